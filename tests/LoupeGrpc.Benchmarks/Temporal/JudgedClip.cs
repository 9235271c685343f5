using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Temporal;

/// <summary>What a server says of a clip, frame by frame and over time.</summary>
internal sealed class JudgedClip(MadeClip clip, IReadOnlyList<(MadeFrame Frame, FrameResult Result)> frames, SessionSummary summary, uint minFrames)
{
    public string Name => clip.Name;

    /// <summary>Each frame's own verdict.</summary>
    public IEnumerable<Verdict> Own => frames.Select(static frame => frame.Result.Verdict);

    public IEnumerable<Verdict> OverTime => frames.Select(static frame => frame.Result.Temporal.Verdict);

    public IReadOnlyList<TemporalSegment> Segments => summary.Segments;

    public ulong Scenes => summary.Scenes;

    /// <summary>First frames of forged stretches, and those behind them.</summary>
    public IReadOnlyList<(int From, int To)> Truth { get; } = Stretches(frames);

    /// <summary>Authentic frames whose verdict is manipulated: their own, and over time beyond the window that a verdict may last.</summary>
    public (int Own, int OverTime) FalseAlarms => (
        frames.Count(static frame => !frame.Frame.IsForged && frame.Result.Verdict == Verdict.Manipulated),
        frames.Index().Count(frame => !frame.Item.Frame.IsForged && frame.Item.Result.Temporal.Verdict == Verdict.Manipulated
            && !Truth.Any(forged => frame.Index >= forged.To && frame.Index <= forged.To + MadeClip.PerSecond)));

    /// <summary>Changes of the verdict.</summary>
    public static int Changes(IEnumerable<Verdict> verdicts)
    {
        var all = verdicts.ToList();
        return all.Zip(all.Skip(1)).Count(static pair => pair.First != pair.Second);
    }

    /// <summary>From authentic to manipulated and back, uncertain between them or not.</summary>
    public static int Flips(IEnumerable<Verdict> verdicts) => Changes(verdicts.Where(static verdict => verdict is Verdict.Authentic or Verdict.Manipulated));

    /// <summary>Frames from the beginning of each forged stretch to the first whose verdict over time is manipulated, and to where that is stated to be so at the latest; null: never in it.</summary>
    public IEnumerable<(int? Found, int? Stated)> Delays() => Truth.Select(forged => (
        First(forged, at => frames[at].Result.Temporal.Verdict == Verdict.Manipulated), First(forged, FillsMostOfWindow)));

    public static async Task<JudgedClip> AskAsync(LoupeClient client, MadeClip clip, CancellationToken cancellationToken)
    {
        var options = new LoupeSessionOptions
        {
            Temporal = new TemporalSettings { Enabled = true },
            Mask = new MaskSettings { Policy = MaskPolicy.Never },
        };
        await using var session = await client.OpenSessionAsync(options, cancellationToken);
        List<(MadeFrame, FrameResult)> frames = [];
        var made = clip.Frames().ToList();
        var receiving = ReceiveAsync();
        foreach (var (number, frame) in made.Index())
        {
            var time = DateTimeOffset.UnixEpoch.AddTicks(number * TimeSpan.TicksPerSecond / MadeClip.PerSecond);
            await session.SendAsync(new EncodedFrame(frame.File) { FrameId = (ulong)number, CaptureTime = time }, cancellationToken);
        }

        var ending = session.CompleteAsync(cancellationToken);
        await receiving;
        return new JudgedClip(clip, frames, await ending, session.Grant.Temporal.MinFrames);

        async Task ReceiveAsync()
        {
            await foreach (var outcome in session.Results(cancellationToken))
            {
                frames.Add((made[frames.Count], ((LoupeResult)outcome).Result));
            }
        }
    }

    private static int? First((int From, int To) forged, Func<int, bool> holds)
    {
        var at = Enumerable.Range(forged.From, forged.To - forged.From).FirstOrDefault(holds, -1);
        return at < 0 ? null : at - forged.From;
    }

    private bool FillsMostOfWindow(int at)
    {
        var window = (int)frames[at].Result.Temporal.Frames;
        var manipulated = frames.Skip(at + 1 - window).Take(window).Count(static frame => frame.Result.Verdict == Verdict.Manipulated);
        return frames[at].Result.Verdict == Verdict.Manipulated && manipulated >= minFrames && 2 * manipulated > window;
    }

    private static List<(int From, int To)> Stretches(IReadOnlyList<(MadeFrame Frame, FrameResult Result)> frames)
    {
        List<(int, int)> stretches = [];
        for (var i = 0; i < frames.Count; i++)
        {
            if (frames[i].Frame.IsForged)
            {
                var from = i;
                while (i < frames.Count && frames[i].Frame.IsForged)
                {
                    i++;
                }

                stretches.Add((from, i));
            }
        }

        return stretches;
    }
}
