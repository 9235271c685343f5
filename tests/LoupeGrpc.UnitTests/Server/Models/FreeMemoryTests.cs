using LoupeGrpc.Server.Models;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Models;

public class FreeMemoryTests
{
    [Fact]
    public void It_is_some_of_the_machines()
    {
        var machine = long.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) << 10;

        Assert.InRange(FreeMemory.Bytes(), 1 << 20, machine);
    }
}
