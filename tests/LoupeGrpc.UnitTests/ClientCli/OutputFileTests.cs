using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public sealed class OutputFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_older_file_stays_until_the_new_one_is_whole()
    {
        var path = Path.Combine(_folder, "state");
        File.WriteAllText(path, "older");

        var file = OutputFile.Reserve("--snapshot", path);
        Assert.Equal("older", File.ReadAllText(path));

        file.Write("new"u8);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Reserving_leaves_nothing()
    {
        OutputFile.Reserve("--plot", Path.Combine(_folder, "curves.png"));

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_file_that_cannot_be_put_in_place_leaves_nothing_behind()
    {
        var path = Path.Combine(_folder, "state");
        var file = OutputFile.Reserve("--snapshot", path);
        Directory.CreateDirectory(path);

        Assert.ThrowsAny<Exception>(() => file.Write("new"u8));

        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("no/such/folder/state")]
    [InlineData("")]
    [InlineData(".")]
    public void What_cannot_be_written_is_known_before(string name)
    {
        var error = Assert.Throws<CliException>(() => OutputFile.Reserve("--snapshot", name.Length == 0 ? "" : Path.Combine(_folder, name)));

        Assert.Equal(ExitCode.WrongUsage, error.ExitCode);
        Assert.StartsWith("--snapshot ", error.Message, StringComparison.Ordinal);
    }
}
