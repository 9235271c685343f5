using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>Sessions whose connection breaks and that go on where they were.</summary>
public class ResumeTests
{
    [Fact]
    public async Task A_break_before_any_outcome_loses_nothing()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(new OpenSession { Resumable = true });
        Assert.Equal((32, 60), (broken.Grant.ResumeToken.Length, broken.Grant.ResumeWindow.Seconds));
        await broken.SendFrameAsync(7);
        await broken.SendFrameAsync(8);
        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync()];
        await BreakAsync(server, connection);

        // One is answered while nobody is connected, one afterwards: a frame inside the engine stays there.
        inside[0].Succeed(0.1f);
        using var resumed = await ResumeAsync(server, broken);
        Assert.Equal((broken.Grant.SessionId, broken.Grant.ResumeToken, 2ul), (resumed.Grant.SessionId, resumed.Grant.ResumeToken, resumed.Grant.NextSequence));
        await resumed.SendFrameAsync(9);
        inside[1].Succeed(0.2f);
        (await analyzer.NextAsync()).Succeed(0.3f);
        await resumed.CompleteAsync();
        var rest = await resumed.RestAsync();
        Assert.Equal([(7ul, 0ul, 0.1f), (8ul, 1ul, 0.2f), (9ul, 2ul, 0.3f)], rest.SkipLast(1).Select(static response => Essence(response.Outcome)));
        Assert.Equal((3ul, 3ul), (rest[^1].Summary.Frames, rest[^1].Summary.Results));
        Assert.Equal(0, server.Sessions.Count);
    }

    private static (ulong Id, ulong Sequence, float Score) Essence(FrameOutcome outcome) => (outcome.FrameId, outcome.Sequence, outcome.Result.Score);

    private static async Task BreakAsync(RunningServer server, BreakableConnection connection)
    {
        connection.Break();
        await Patience.UntilAsync(() => server.Sessions.List() is [{ ParkedSince: not null }]);
    }

    private static async Task<RawSession> ResumeAsync(RunningServer server, RawSession broken)
    {
        var resumed = await server.OpenAsync(new OpenSession { ResumeToken = broken.Grant.ResumeToken, ResponsesReceived = broken.Received });
        Assert.True(resumed.Grant.Resumed);
        Assert.Empty(resumed.Grant.Unavailable);
        return resumed;
    }
}
