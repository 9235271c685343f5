using LoupeGrpc.Server.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Hosting;

public class OpenFilesTests
{
    [Theory]
    [InlineData(1024UL, 0, 608)]
    [InlineData(1024UL, 100, 100)]
    [InlineData(1024UL, 5000, 608)]
    [InlineData(256UL, 0, 16)]
    [InlineData(ulong.MaxValue - 1, 0, int.MaxValue)]
    [InlineData(null, 0, int.MaxValue)]
    [InlineData(null, 300, 300)]
    public void Connections_leave_room_for_the_files_of_the_server_itself(ulong? limit, int wanted, int expected) =>
        Assert.Equal(expected, OpenFiles.Connections(limit, wanted));
}
