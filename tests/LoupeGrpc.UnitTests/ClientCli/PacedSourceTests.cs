using LoupeGrpc.Client.Cli.Inputs;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class PacedSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_recording_is_played_at_its_own_speed()
    {
        var time = new FakeTimeProvider();
        var items = new[] { 0.0, 0.5, 2 }.Select(seconds => new FileItem { Path = "f", Name = "f", File = "f", TimeSeconds = seconds });
        await using var source = new PacedSource(new ItemListSource("f", [.. items]), time);
        await using var played = source.ReadAsync(Token).GetAsyncEnumerator(Token);

        Assert.True(await played.MoveNextAsync());
        var second = played.MoveNextAsync().AsTask();
        time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await second);

        // A slow server: the third frame's time has passed already.
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(played.MoveNextAsync().AsTask().IsCompletedSuccessfully);
    }
}
