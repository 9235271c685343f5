using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>Sessions whose connection breaks and that go on where they were: no frame twice, none lost.</summary>
public class ResumeTests
{
    private static readonly OpenSession Resumable = new() { Resumable = true };

    [Fact]
    public async Task A_break_before_any_outcome_loses_nothing()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        Assert.Equal((32, 60), (broken.Grant.ResumeToken.Length, broken.Grant.ResumeWindow.Seconds));
        await broken.SendFrameAsync(7);
        await broken.SendFrameAsync(8);
        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync()];
        await server.BreakAsync(connection);

        // One is answered while nobody is connected, one afterwards: a frame inside the engine stays there.
        inside[0].Succeed(0.1f);
        using var resumed = await server.ResumeAsync(broken);
        Assert.Equal((2ul, 0ul), (resumed.Grant.NextSequence, resumed.Grant.ControlsReceived));
        await resumed.SendFrameAsync(9);
        inside[1].Succeed(0.2f);
        (await analyzer.NextAsync()).Succeed(0.3f);
        await resumed.CompleteAsync();
        var rest = await resumed.RestAsync();
        Assert.Equal([(7ul, 0ul, 0.1f), (8ul, 1ul, 0.2f), (9ul, 2ul, 0.3f)], rest.SkipLast(1).Select(Essence));
        Assert.Equal((3ul, 3ul), (rest[^1].Summary.Frames, rest[^1].Summary.Results));
        Assert.Equal(0, server.Sessions.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_written_and_not_received_is_sent_again(bool unordered)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(new OpenSession { Resumable = true, Unordered = unordered });
        for (ulong id = 0; id < 4; id++)
        {
            await broken.SendFrameAsync(id);
        }

        await Patience.UntilAsync(() => server.Sessions.List()[0].Count().Frames == 4);
        for (var id = 0; id < 4; id++)
        {
            (await analyzer.NextAsync()).Succeed(id / 10f);
            await Patience.UntilAsync(() => server.Sessions.List()[0].Count().InFlight == 3 - id);
        }

        Assert.Equal(0ul, (await broken.NextOutcomeAsync()).FrameId);
        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(broken);
        Assert.Equal(4ul, resumed.Grant.NextSequence);
        await resumed.CompleteAsync();
        var rest = await resumed.RestAsync();
        Assert.Equal([(1ul, 1ul, 0.1f), (2ul, 2ul, 0.2f), (3ul, 3ul, 0.3f)], rest.SkipLast(1).Select(Essence));
    }

    [Fact]
    public async Task Controls_are_taken_in_once_and_answered_once_and_stay_in_force()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        await broken.SendFrameAsync(0);
        await broken.SendAsync(new Control { ControlId = 1, SetThresholds = new Thresholds { Low = 0.1f, High = 0.2f } });
        await broken.SendAsync(new Control { ControlId = 2, Flush = new Flush() });
        await broken.SendFrameAsync(1);
        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync()];
        await server.BreakAsync(connection);
        inside[0].Succeed();
        inside[1].Succeed();

        using var resumed = await server.ResumeAsync(broken);
        Assert.Equal((2ul, 2ul), (resumed.Grant.NextSequence, resumed.Grant.ControlsReceived));
        Assert.Equal((0.1f, 0.2f), (resumed.Grant.Thresholds.Low, resumed.Grant.Thresholds.High));
        Assert.Equal(0ul, (await resumed.NextOutcomeAsync()).FrameId);
        Assert.Equal(1ul, (await resumed.NextReplyAsync()).ControlId);
        Assert.Equal(2ul, (await resumed.NextReplyAsync()).ControlId);
        Assert.Equal(1ul, (await resumed.NextOutcomeAsync()).FrameId);
        await resumed.SendFrameAsync(2);
        var third = await analyzer.NextAsync();
        Assert.Equal((0.1f, 0.2f), (third.Request.Thresholds.Low, third.Request.Thresholds.High));
        third.Succeed();
        Assert.Equal(2ul, (await resumed.NextOutcomeAsync()).Sequence);
    }

    [Fact]
    public async Task A_session_can_be_resumed_again_and_again()
    {
        const int Breaks = 3;
        var analyzer = new ScriptedAnalyzer { Answer = static input => ScriptedAnalyzer.Result(input.Data.Span[0] / 100f) };
        await using var server = await RunningServer.StartAsync(analyzer);
        var connection = server.Connect();
        var session = await connection.OpenAsync(Resumable);
        List<ulong> received = [];
        for (var round = 0ul; round < Breaks; round++)
        {
            for (var id = round * 3; id < (round * 3) + 3; id++)
            {
                await session.SendFrameAsync(id);
            }

            received.Add((await session.NextOutcomeAsync()).Sequence);
            await Patience.UntilAsync(() => server.Sessions.List()[0].Count() is { InFlight: 0 } count && count.Frames == (round + 1) * 3);
            await server.BreakAsync(connection);
            connection.Dispose();
            connection = server.Connect();
            var resumed = connection.Call();
            resumed.Received = session.Received;
            await RunningServer.OpenAsync(resumed, new OpenSession { ResumeToken = session.Grant.ResumeToken, ResponsesReceived = session.Received });
            Assert.Equal((round + 1) * 3, resumed.Grant.NextSequence);
            session = resumed;
        }

        await session.CompleteAsync();
        var rest = await session.RestAsync();
        received.AddRange(rest.SkipLast(1).Select(static response => response.Outcome.Sequence));
        Assert.Equal(Enumerable.Range(0, Breaks * 3).Select(static number => (ulong)number), received);
        Assert.Equal((ulong)Breaks * 3, rest[^1].Summary.Frames);
        connection.Dispose();
    }

    [Fact]
    public async Task A_call_that_broke_after_half_close_can_still_have_its_outcomes_and_its_summary()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        await broken.SendFrameAsync(1);
        await broken.CompleteAsync();
        var inside = await analyzer.NextAsync();
        await server.BreakAsync(connection);
        inside.Succeed();
        using var resumed = await server.ResumeAsync(broken);
        await resumed.CompleteAsync();
        var rest = await resumed.RestAsync();
        Assert.Equal([AnalyzeResponse.PayloadOneofCase.Outcome, AnalyzeResponse.PayloadOneofCase.Summary], rest.Select(static response => response.PayloadCase));
        Assert.Equal(0, server.Sessions.Count);
    }

    [Fact]
    public async Task The_freshest_frame_waits_for_who_comes_back()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(
            new OpenSession { Resumable = true, Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest } });
        await broken.SendFrameAsync(0);
        var first = await analyzer.NextAsync();
        await broken.SendFrameAsync(1);
        await broken.SendFrameAsync(2);
        await Patience.UntilAsync(() => server.Sessions.List()[0].Count().Frames == 3);
        await server.BreakAsync(connection);
        first.Succeed();
        (await analyzer.NextAsync()).Succeed();

        using var resumed = await server.ResumeAsync(broken);
        Assert.NotNull((await resumed.NextOutcomeAsync()).Result);
        Assert.Equal(DropReason.Superseded, (await resumed.NextOutcomeAsync()).Dropped.Reason);
        Assert.Equal(2ul, (await resumed.NextOutcomeAsync()).FrameId);
    }

    [Fact]
    public async Task Credits_count_what_the_new_call_has_not_been_written()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new Server.Configuration.LoupeOptions { Limits = new Server.Configuration.LimitOptions { Credits = 2 } });
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        await broken.SendFrameAsync(0);
        await broken.SendFrameAsync(1);
        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync()];
        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(broken);

        // Two frames have no outcome yet: the third is taken in when one of them has.
        await resumed.SendFrameAsync(2);
        inside[0].Succeed();
        Assert.Equal(0ul, (await resumed.NextOutcomeAsync()).FrameId);
        (await analyzer.NextAsync()).Succeed();
        Assert.Equal(3ul, server.Sessions.List()[0].Count().Frames);
        inside[1].Succeed();
        Assert.Equal(1ul, (await resumed.NextOutcomeAsync()).FrameId);
        Assert.Equal(2ul, (await resumed.NextOutcomeAsync()).FrameId);
    }

    private static (ulong Id, ulong Sequence, float Score) Essence(AnalyzeResponse response) =>
        (response.Outcome.FrameId, response.Outcome.Sequence, response.Outcome.Result.Score);
}
