using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>
/// From rows to what was found and lost: a finding lasts while the stream is manipulated, by its verdicts over time where it has them, else by those of its frames; a loss
/// from a frame that failed until <see cref="Calm"/> frames in a row did not.
/// </summary>
/// <param name="tell">Told what begins and ends: the type of the event, and its data.</param>
internal sealed class FindingTracker(Action<string, JsonObject> tell) : IFindingTracker
{
    /// <summary>A stream in which every other frame is damaged has one loss, not hundreds.</summary>
    private const int Calm = 10;

    /// <summary>A verdict over time comes some frames after the first frame that it is about; no window is longer.</summary>
    private const int MaxEarlier = 1024;

    private readonly Queue<Judged> _earlier = [];
    private Finding? _finding;
    private Loss? _loss;

    public long Findings { get; private set; }

    public long Losses { get; private set; }

    public void Write(OutcomeRow row)
    {
        switch (row.Outcome)
        {
            // Somebody ended the run, and knows it.
            case LoupeFailed { Code: LoupeFailureCode.Canceled }:
                break;
            case LoupeFailed failed:
                Lose(row, WireName.Of(failed.Code), failed.Message);
                break;
            case LoupeDropped { Reason: DropReason.SessionEnded }:
                Lose(row, WireName.Of(DropReason.SessionEnded), "the session ended first");
                break;
            case LoupeResult result:
                Judge(row, result);
                if (_loss is not null && ++_loss.Calm >= Calm)
                {
                    EndLoss();
                }

                break;
        }
    }

    public void Complete()
    {
        EndFinding("STREAM_ENDED");
        EndLoss();
    }

    private void Judge(OutcomeRow row, LoupeResult result)
    {
        var frame = new Judged(result.Sequence ?? row.FrameId, row.FrameId, row.Item.TimeSeconds, result.Result.Score, result.Result.Verdict == Verdict.Manipulated);
        _earlier.Enqueue(frame);
        if (_earlier.Count > MaxEarlier)
        {
            _earlier.Dequeue();
        }

        var over = result.Result.Temporal;
        var isManipulated = over is null ? frame.IsManipulated : over.Verdict == Verdict.Manipulated;
        var since = over is null ? frame.Sequence : over.SinceSequence;
        if (_finding is not null && (!isManipulated || (over is not null && since != _finding.Since)))
        {
            EndFinding(over?.Scene != _finding.Scene ? "SCENE_CUT" : "CLEARED");
        }

        if (!isManipulated)
        {
            return;
        }

        if (_finding is not null)
        {
            _finding.Add(frame);
            return;
        }

        Findings++;
        _finding = new Finding(since, over?.Scene);
        foreach (var earlier in _earlier.Where(earlier => earlier.Sequence >= since))
        {
            _finding.Add(earlier);
        }

        tell("finding.started", new JsonObject
        {
            ["finding"] = Findings,
            ["over_time"] = over is not null,
            ["first_frame"] = _finding.First.FrameId,
            ["start_s"] = _finding.First.TimeSeconds,
            // What it was seen in. Its mask would make the event large, its regions say where.
            ["result"] = JsonNode.Parse(Json(row.ToLine() with { Mask = null })),
        });
    }

    private void EndFinding(string reason)
    {
        if (_finding is not { } ended)
        {
            return;
        }

        _finding = null;
        tell("finding.ended", new JsonObject
        {
            ["finding"] = Findings,
            ["reason"] = reason,
            ["first_frame"] = ended.First.FrameId,
            ["last_frame"] = ended.Last.FrameId,
            ["start_s"] = ended.First.TimeSeconds,
            ["end_s"] = ended.Last.TimeSeconds,
            ["results"] = ended.Results,
            ["manipulated"] = ended.Manipulated,
            ["peak"] = new JsonObject { ["frame_id"] = ended.Peak.FrameId, ["time_s"] = ended.Peak.TimeSeconds, ["score"] = ended.Peak.Score },
        });
    }

    private void Lose(OutcomeRow row, string code, string message)
    {
        if (_loss is null)
        {
            Losses++;
            _loss = new Loss(row.FrameId, row.Item.TimeSeconds);
            tell("loss.started", new JsonObject
            {
                ["loss"] = Losses,
                ["first_frame"] = row.FrameId,
                ["start_s"] = row.Item.TimeSeconds,
                ["code"] = code,
                ["message"] = message,
            });
        }

        _loss.Add(row, code);
    }

    private void EndLoss()
    {
        if (_loss is not { } ended)
        {
            return;
        }

        _loss = null;
        tell("loss.ended", new JsonObject
        {
            ["loss"] = Losses,
            ["first_frame"] = ended.FirstFrame,
            ["last_frame"] = ended.LastFrame,
            ["start_s"] = ended.Start,
            ["end_s"] = ended.End,
            ["frames"] = ended.Codes.Values.Sum(),
            ["codes"] = new JsonObject(ended.Codes.Select(static count => KeyValuePair.Create(count.Key, (JsonNode?)count.Value))),
        });
    }

    private static string Json(OutcomeLine line) => System.Text.Json.JsonSerializer.Serialize(line, OutcomeLine.Json.OutcomeLine);

    private readonly record struct Judged(ulong Sequence, ulong FrameId, double? TimeSeconds, float Score, bool IsManipulated);

    /// <param name="since">The server's number of its first frame.</param>
    /// <param name="scene">Null in streams that are not judged over time.</param>
    private sealed class Finding(ulong since, ulong? scene)
    {
        public ulong Since { get; } = since;

        public ulong? Scene { get; } = scene;

        public Judged First { get; private set; }

        /// <summary>The last one that is manipulated by itself.</summary>
        public Judged Last { get; private set; }

        public Judged Peak { get; private set; }

        public long Results { get; private set; }

        public long Manipulated { get; private set; }

        public void Add(Judged frame)
        {
            First = Results == 0 ? frame : First;
            Peak = Results == 0 || frame.Score > Peak.Score ? frame : Peak;
            Last = Results == 0 || frame.IsManipulated ? frame : Last;
            Results++;
            Manipulated += frame.IsManipulated ? 1 : 0;
        }
    }

    private sealed class Loss(ulong firstFrame, double? start)
    {
        public ulong FirstFrame { get; } = firstFrame;

        public double? Start { get; } = start;

        public ulong LastFrame { get; private set; }

        public double? End { get; private set; }

        /// <summary>Frames without a failure in a row.</summary>
        public int Calm { get; set; }

        public SortedDictionary<string, long> Codes { get; } = new(StringComparer.Ordinal);

        public void Add(OutcomeRow row, string code)
        {
            Calm = 0;
            (LastFrame, End) = (row.FrameId, row.Item.TimeSeconds);
            Codes[code] = Codes.GetValueOrDefault(code) + row.Item.Frames;
        }
    }
}
