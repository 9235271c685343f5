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
        // Of length 0, as it says, and some megabytes long.
        const string symbols = "/proc/kallsyms";
        Assert.SkipUnless(File.Exists(symbols), $"no {symbols} here");

        Assert.Equal(LoupeFailureCode.TooLarge, (await LoadAsync(symbols, limit: 100_000)).Failure!.Code);
    }

    [Fact]
    public async Task A_device_is_no_file()
    {
        Assert.SkipUnless(File.Exists("/dev/zero"), "no /dev/zero here");

        var failure = (await LoadAsync("/dev/zero", limit: 1_000_000)).Failure!;

        Assert.Equal((LoupeFailureCode.Unreadable, "the file cannot be read: It is a device, not a regular file."), (failure.Code, failure.Message));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_disk_that_does_not_answer_keeps_nobody_who_gives_up(bool inOpening)
    {
        using var answer = new ManualResetEventSlim();
        using var given = new CancellationTokenSource();
        var item = new FileItem
        {
            Path = "a",
            Name = "a",
            File = Write([1]),
            Open = path =>
            {
                if (inOpening)
                {
                    answer.Wait();
                }

                return new SilentStream(answer);
            },
        };

        var loading = item.LoadAsync(0, new Limits(), given.Token).AsTask();
        Assert.False(loading.IsCompleted);
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        answer.Set();
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

    /// <summary>Reads wait until a test lets them.</summary>
    private sealed class SilentStream(ManualResetEventSlim answer) : MemoryStream([1, 2, 3])
    {
        public override int Read(Span<byte> buffer)
        {
            answer.Wait(TestContext.Current.CancellationToken);
            return base.Read(buffer);
        }
    }

    private static ValueTask<LoadedItem> LoadAsync(string file, ulong limit) =>
        PathExpander.ToItem(file).LoadAsync(7, new Limits { MaxFrameBytes = limit }, TestContext.Current.CancellationToken);
}
