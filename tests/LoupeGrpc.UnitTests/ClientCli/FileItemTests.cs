using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public sealed class FileItemTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-file-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_is_read_whole()
    {
        var file = Write([1, 2, 3]);

        var loaded = await LoadAsync(file, limit: 3);

        Assert.Equal([1, 2, 3], loaded.Frame!.Data.ToArray());
        Assert.Equal(7UL, loaded.Frame.FrameId);
    }

    [Fact]
    public async Task A_file_over_the_limit_is_not_read()
    {
        var loaded = await LoadAsync(Write(new byte[4]), limit: 3);

        Assert.Equal(LoupeFailureCode.TooLarge, loaded.Failure!.Code);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", loaded.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_without_end_stops_at_the_limit()
    {
        Assert.SkipUnless(File.Exists("/dev/zero"), "no /dev/zero here");

        Assert.Equal(LoupeFailureCode.TooLarge, (await LoadAsync("/dev/zero", limit: 1_000_000)).Failure!.Code);
    }

    [Fact]
    public async Task A_file_that_went_away_or_is_a_folder_says_so()
    {
        Assert.Equal(LoupeFailureCode.NotFound, (await LoadAsync(Path.Combine(_folder, "gone.png"), 9)).Failure!.Code);
        Assert.Equal(LoupeFailureCode.Unreadable, (await LoadAsync(_folder, 9)).Failure!.Code);
    }

    private string Write(byte[] data)
    {
        var path = Path.Combine(_folder, "a.png");
        File.WriteAllBytes(path, data);
        return path;
    }

    private static ValueTask<LoadedItem> LoadAsync(string file, ulong limit) =>
        PathExpander.ToItem(file).LoadAsync(7, new Limits { MaxFrameBytes = limit }, TestContext.Current.CancellationToken);
}
