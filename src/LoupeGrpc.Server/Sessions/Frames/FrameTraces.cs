using System.Diagnostics;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>Which frames of a session have a trace, and what their span says in the end. Thread-safe.</summary>
internal sealed class FrameTraces(LoupeOptions options, TimeProvider time)
{
    /// <param name="call">The span of the session's call.</param>
    /// <returns>Null: the frame has none.</returns>
    public FrameSpan? Begin(ActivityContext call) =>
        Random.Shared.NextDouble() < options.Telemetry.SampledFrames ? FrameSpan.Begin(call, time) : null;

    /// <param name="end">Null: nobody waited for it.</param>
    public static void End(FrameSpan? span, FrameEnd? end)
    {
        switch (end)
        {
            case null:
                span?.End("abandoned");
                break;
            case FrameEnd.Analysed analysed:
                span?.Tag("loupe.score", analysed.Analysis.Score);
                span?.Tag("loupe.verdict", analysed.Analysis.Verdict.ToString());
                span?.End("result");
                break;
            case FrameEnd.Dropped dropped:
                span?.Tag("loupe.cause", dropped.Cause.ToString());
                span?.End("dropped");
                break;
            case FrameEnd.Expired:
                span?.End("expired");
                break;
            case FrameEnd.Failed failed:
                span?.End("failed", $"{failed.Failure.Kind}: {failed.Failure.Message}");
                break;
        }
    }
}
