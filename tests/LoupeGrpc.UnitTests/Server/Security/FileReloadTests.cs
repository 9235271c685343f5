using LoupeGrpc.Server.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Security;

public sealed class FileReloadTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    /// <summary>What mends it (an owner, a folder's mode) is not always in the file.</summary>
    [Fact]
    public void What_is_broken_is_tried_again_and_said_once()
    {
        var part = new Part([_file]) { Problem = "its owner is another" };
        using var reload = new FileReload([part], TimeProvider.System, NullLogger<FileReload>.Instance);

        reload.CheckNow();
        reload.CheckNow();
        Assert.Equal(2, part.Reloads);
        Assert.Equal(["its owner is another"], part.Logged);
        part.Problem = "its folder is another's";
        reload.CheckNow();
        reload.CheckNow();
        Assert.Equal(4, part.Reloads);
        Assert.Equal(["its owner is another", "its folder is another's"], part.Logged);
        part.Problem = null;
        reload.CheckNow();
        reload.CheckNow();
        Assert.Equal((5, 2), (part.Reloads, part.Logged.Count));
    }

    [Fact]
    public void Who_asks_has_it_read_and_said_again_though_nothing_changed()
    {
        var part = new Part([_file]);
        using var reload = new FileReload([part], TimeProvider.System, NullLogger<FileReload>.Instance);
        reload.CheckNow();

        reload.Reload();
        part.Problem = "it is half a file";
        reload.Reload();
        reload.Reload();

        Assert.Equal(4, part.Reloads);
        Assert.Equal(["it is half a file", "it is half a file"], part.Logged);
    }

    [Fact]
    public void Another_broken_file_is_said_though_the_reason_is_the_same()
    {
        var part = new Part([_file]) { Problem = "it is half a file" };
        using var reload = new FileReload([part], TimeProvider.System, NullLogger<FileReload>.Instance);

        reload.CheckNow();
        File.WriteAllText(_file, "other bytes");
        reload.CheckNow();

        Assert.Equal(2, part.Logged.Count);
    }

    private sealed class Part(IReadOnlyList<string> files) : IReloadable
    {
        public string? Problem { get; set; }

        public int Reloads { get; private set; }

        public List<string> Logged { get; } = [];

        public IReadOnlyList<string> Files => files;

        public string? Reload()
        {
            Reloads++;
            return Problem;
        }

        public void LogBroken(string problem) => Logged.Add(problem);
    }
}
