using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class ProviderChangeTests
{
    [Fact]
    public async Task A_session_is_told_right_before_the_first_frame_that_another_provider_ran()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        Assert.Equal(("CPU", "fp32"), (session.Grant.Execution.Provider, session.Grant.Execution.Precision));

        await session.SendFrameAsync(1);
        var first = await analyzer.NextAsync();
        analyzer.Next = new ExecutionDescription("CUDA", "fp16", "H100");
        await session.SendFrameAsync(2);
        (await analyzer.NextAsync()).Succeed();
        // The frame that was inside when the provider changed ends where it began, and before the event.
        first.Succeed();
        await session.SendFrameAsync(3);
        (await analyzer.NextAsync()).Succeed();
        await session.CompleteAsync();

        var rest = await session.RestAsync();
        Assert.Equal(
            [
                AnalyzeResponse.PayloadOneofCase.Outcome, AnalyzeResponse.PayloadOneofCase.Event, AnalyzeResponse.PayloadOneofCase.Outcome,
                AnalyzeResponse.PayloadOneofCase.Outcome, AnalyzeResponse.PayloadOneofCase.Summary,
            ],
            rest.Select(static response => response.PayloadCase));
        var change = rest[1].Event;
        Assert.Equal((SessionEventKind.ProviderChanged, 1ul), (change.Kind, change.Sequence));
        Assert.Equal(("CUDA", "fp16", "H100"), (change.Execution.Provider, change.Execution.Precision, change.Execution.Device));
        Assert.Contains("before it was CPU in fp32", change.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deterministic_session_asks_to_stay_where_it_is(bool deterministic)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Deterministic = deterministic });
        Assert.Equal(deterministic, analyzer.Pinned);
    }
}
