using Polly;
using Polly.Retry;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Opening network streams again, with growing pauses of 1 to 30 s.</summary>
internal static class Reconnect
{
    public static ResiliencePipeline<OpenCvCapture?> Pipeline(int retries, TimeProvider time) =>
        new ResiliencePipelineBuilder<OpenCvCapture?> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<OpenCvCapture?>
            {
                ShouldHandle = new PredicateBuilder<OpenCvCapture?>().HandleResult(capture => capture is null),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromSeconds(1),
                MaxDelay = TimeSpan.FromSeconds(30),
                MaxRetryAttempts = retries,
            })
            .Build();
}
