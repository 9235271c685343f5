using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class OrderTests
{
    [Fact]
    public async Task Outcomes_come_in_the_order_of_receipt_however_the_engine_answers()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        for (ulong id = 1; id <= 4; id++)
        {
            await session.SendFrameAsync(id);
        }

        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync(), await analyzer.NextAsync(), await analyzer.NextAsync()];
        inside.Reverse();
        inside.ForEach(static analysis => analysis.Succeed(analysis.Mark / 10f));

        for (ulong id = 1; id <= 4; id++)
        {
            var outcome = await session.NextOutcomeAsync();
            Assert.Equal((id, id - 1, id / 10f), (outcome.FrameId, outcome.Sequence, outcome.Result.Score));
        }
    }

    [Fact]
    public async Task Unordered_outcomes_leave_as_they_come()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Unordered = true });
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        var first = await analyzer.NextAsync();
        var second = await analyzer.NextAsync();

        second.Succeed();
        Assert.Equal(2ul, (await session.NextOutcomeAsync()).FrameId);
        first.Succeed();
        Assert.Equal(1ul, (await session.NextOutcomeAsync()).FrameId);
    }

    [Fact]
    public async Task Good_and_bad_frames_get_one_outcome_each_and_the_stream_goes_on()
    {
        var analyzer = new ScriptedAnalyzer
        {
            Answer = static input => input.Data.Length == 1 ? ScriptedAnalyzer.Result(0.9f) : new FrameFailure(FailureKind.Invalid, "not a picture"),
        };
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        Action<Frame>?[] changes =
        [
            null,
            static frame => frame.ClearImage(),
            static frame => frame.Encoded.Data = ByteString.Empty,
            null,
            static frame => frame.Raw = new RawImage { Data = ByteString.CopyFrom(1) },
            static frame => frame.Raw = new RawImage { Data = ByteString.CopyFrom(1), Format = new FrameFormat { PixelFormat = (V1.PixelFormat)99, Width = 1, Height = 1 } },
            static frame => frame.Raw = new RawImage { Data = ByteString.CopyFrom(1), Format = new FrameFormat { PixelFormat = V1.PixelFormat.Gray8 } },
            static frame => frame.Deadline = new() { Seconds = -1 },
            static frame => frame.CaptureTime = new() { Seconds = long.MaxValue },
            null,
        ];
        foreach (var (index, change) in changes.Index())
        {
            await session.SendFrameAsync(7, change);
            var outcome = await session.NextOutcomeAsync();
            Assert.Equal((7ul, (ulong)index), (outcome.FrameId, outcome.Sequence));
            if (change is null)
            {
                Assert.Equal(0.9f, outcome.Result.Score);
            }
            else
            {
                Assert.Equal(FailureCode.Invalid, outcome.Failed.Code);
                Assert.NotEmpty(outcome.Failed.Message);
            }
        }

        await session.CompleteAsync();
        var summary = Assert.Single(await session.RestAsync()).Summary;
        Assert.Equal((10ul, 3ul, 7ul), (summary.Frames, summary.Results, summary.Failed));
        Assert.Equal(new ReasonCount { Reason = "INVALID", Count = 7 }, Assert.Single(summary.Reasons));
    }

    [Theory]
    [InlineData(FailureKind.Invalid, FailureCode.Invalid)]
    [InlineData(FailureKind.TooLarge, FailureCode.TooLarge)]
    [InlineData(FailureKind.Unsupported, FailureCode.Unsupported)]
    [InlineData(FailureKind.Overloaded, FailureCode.Overloaded)]
    [InlineData(FailureKind.Canceled, FailureCode.Canceled)]
    [InlineData(FailureKind.ModelFault, FailureCode.ModelFault)]
    [InlineData(FailureKind.Internal, FailureCode.Internal)]
    internal async Task A_failure_of_the_engine_is_the_frames_outcome(FailureKind kind, FailureCode code)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => new FrameFailure(kind, "why") });
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        Assert.Equal(new Failed { Code = code, Message = "why" }, (await session.NextOutcomeAsync()).Failed);
    }

    [Fact]
    public async Task A_fault_of_the_server_is_one_frames_failure_and_an_error_in_the_log()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        (await analyzer.NextAsync()).Throw(new InvalidOperationException("scripted fault"));
        (await analyzer.NextAsync()).Succeed();

        Assert.Equal(FailureCode.Internal, (await session.NextOutcomeAsync()).Failed.Code);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        Assert.Contains("scripted fault", server.Log.TakeError(), StringComparison.Ordinal);
    }
}
