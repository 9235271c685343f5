using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>More frames at once than the engine, the scheduler and the limits of any session hold: clients are slowed down, no frame fails. (1,905 of 3,200 did, of 200 sessions.)</summary>
public sealed class ManySessionsTests(NanoEngine nano)
{
    private const int Sessions = 300;
    private const int Frames = 16;

    [Fact]
    public async Task Every_frame_of_three_hundred_sessions_is_analysed()
    {
        var picture = await File.ReadAllBytesAsync(TestData.Golden("nano-tta", "scale", "frame-000.png"), Patience.Token());
        await using var server = ServerProcess.Start(
            [
                "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--Loupe:Execution:Providers=CPU",
                $"--Loupe:Limits:MaxSessions={Sessions}",
            ],
            ("Loupe__Model__CacheDirectory", nano.CacheDirectory));
        var ready = (await server.ReadLineAsync())!.Split(' ');
        using var client = new LoupeClient(new LoupeClientOptions { Address = new Uri(ready[1]) });
        var opened = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(number => client.OpenSessionAsync(
            new LoupeSessionOptions { Name = $"camera-{number}", Mask = new MaskSettings { Policy = MaskPolicy.Never }, Reconnect = false }, TestContext.Current.CancellationToken)));

        var outcomes = await Task.WhenAll(opened.Select(session => StreamAsync(session, picture)));

        Assert.All(outcomes, static all => Assert.Equal(Enumerable.Range(0, Frames).Select(static number => (ulong)number), all.Select(static outcome => outcome.FrameId)));
        Assert.All(outcomes.SelectMany(static all => all), static outcome => Assert.IsType<LoupeResult>(outcome));
    }

    private static async Task<List<LoupeOutcome>> StreamAsync(LoupeSession session, byte[] picture)
    {
        await using (session)
        {
            for (ulong number = 0; number < Frames; number++)
            {
                await session.SendAsync(new EncodedFrame(picture) { FrameId = number }, TestContext.Current.CancellationToken);
            }

            await session.CompleteAsync(TestContext.Current.CancellationToken);
            List<LoupeOutcome> outcomes = [];
            await foreach (var outcome in session.Results(TestContext.Current.CancellationToken))
            {
                outcomes.Add(outcome);
            }

            return outcomes;
        }
    }
}
