using Google.Protobuf;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.UnitTests.ClientCli;

/// <summary>Rows as a run hands them out.</summary>
internal static class Rows
{
    public static OutcomeRow Result(string path = "a/b.png", Action<FrameResult>? change = null, double? seconds = null)
    {
        var result = new FrameResult
        {
            Score = 0.93121f,
            Verdict = Verdict.Manipulated,
            Width = 640,
            Height = 480,
            Mask = new Mask { Rle = new CocoRle { Size = { 480, 640 }, Counts = "<`\\1>" }, Area = 12345 },
            Regions = { new Region { Box = new Box { X = 1, Y = 2, Width = 3, Height = 4 }, Area = 9, Mean = 0.8f } },
            Sha256 = ByteString.CopyFrom(0xAB, 0x01),
            Timings = new StageTimings { QueueMs = 1, DecodeMs = 2.00049f, TotalMs = 12.5f },
            Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32" },
        };
        change?.Invoke(result);
        return new OutcomeRow(Item(path, seconds), 3, new LoupeResult { FrameId = 3, Index = 3, Result = result }, null);
    }

    /// <summary>Gives a result sentences. Each has a number.</summary>
    public static Action<FrameResult> Explain(params string[] texts) => result => result.Explanation.AddRange(
        texts.Select(static text => new Explanation { Code = ExplanationCode.MaskSpread, Text = text, Numbers = { ["share"] = 0.25, ["fields"] = 4 } }));

    /// <summary>Gives a result a verdict over time, of 12 frames in the third scene, manipulated since frame 20.</summary>
    public static Action<FrameResult> OverTime(Verdict verdict, float score) => result => result.Temporal = new TemporalVerdict
    {
        Verdict = verdict,
        Score = score,
        Frames = 12,
        Counted = true,
        Scene = 2,
        SinceSequence = verdict == Verdict.Manipulated ? 20u : 0,
    };

    /// <summary>A frame of a stream whose frames were all sent.</summary>
    public static OutcomeRow Frame(ulong number, double seconds, Action<FrameResult>? change = null)
    {
        var row = Result("clip.avi", change, seconds);
        return row with { FrameId = number, Outcome = (LoupeResult)row.Outcome with { FrameId = number, Index = (long)number, Sequence = number } };
    }

    public static OutcomeRow Failed(LoupeFailureCode code, string message, string path = "a/b.png") =>
        new(Item(path), 4, new LoupeFailed { FrameId = 4, Index = 4, Code = code, Message = message }, null);

    public static OutcomeRow Dropped() => new(
        Item("camera:0", 1.5),
        5,
        new LoupeDropped { FrameId = 5, Index = 5, Reason = DropReason.Superseded, Age = TimeSpan.FromMilliseconds(12.3456) },
        null);

    public static OutcomeRow Expired() => new(
        Item("camera:0", 2),
        6,
        new LoupeExpired { FrameId = 6, Index = 6, Age = TimeSpan.FromMilliseconds(7), Deadline = TimeSpan.FromMilliseconds(5) },
        null);

    private static FileItem Item(string path, double? seconds = null) => new() { Path = path, Name = path, File = path, TimeSeconds = seconds };
}
