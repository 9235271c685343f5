using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Temporal;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

/// <summary>What docs/protocol.md states, on made sequences of scores with the settings that a server has: fewer changes of the verdict, and found no later than stated.</summary>
public sealed class MadeSequenceTests
{
    private const int Begin = 80, End = 200, Length = 300, PerSecond = 25;

    private static readonly TemporalOptions Options = new();

    private static readonly TemporalSettings Settings =
        new(Options.Window, Options.Frames, Options.MinFrames, Options.CutChange, Options.MaxSegments);

    /// <summary>The name, mean and spread of the logits outside and inside of what is manipulated, how often a frame inside looks authentic, how many frames a scene lasts.</summary>
    [Theory]
    [InlineData("steady", -2, 0.3, 3, 0.5, 0, 1000)]
    [InlineData("noise", -1, 0.8, 1.5, 0.8, 0, 1000)]
    [InlineData("flicker", -1.5, 0.8, 3, 1, 0.3, 1000)]
    [InlineData("weak", -1.5, 1, 0.9, 0.4, 0, 1000)]
    [InlineData("cuts", -1, 0.9, 2, 1, 0.1, 40)]
    public void Verdicts_over_time_change_less_often_and_find_it_in_time(string name, double outside, double outsideSpread, double inside, double insideSpread, double missed, int sceneLength)
    {
        int raw = 0, smoothed = 0, rawFlips = 0, smoothedFlips = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var filter = new TemporalFilter(Settings);
            List<(Verdict Raw, TemporalVerdict OverTime)> frames = [];
            for (int i = 0; i < Length; i++)
            {
                bool isForged = i is >= Begin and < End && random.NextDouble() >= missed;
                double logit = isForged ? inside + (insideSpread * Normal(random)) : outside + (outsideSpread * Normal(random));
                float score = (float)(1 / (1 + Math.Exp(-logit)));
                var verdict = filter.Add(MadeFrames.Frame((ulong)i, score, i / (double)PerSecond, scene: i / sceneLength));
                frames.Add((VerdictThresholds.Default.VerdictOf(score), verdict));
            }

            raw += Changes(frames.Select(static frame => frame.Raw));
            smoothed += Changes(frames.Select(static frame => frame.OverTime.Verdict));
            rawFlips += Flips(frames.Select(static frame => frame.Raw));
            smoothedFlips += Flips(frames.Select(static frame => frame.OverTime.Verdict));

            // Stated: at the latest when more than half of the window is manipulated; a window has a second, 25 frames and one.
            int found = frames.FindIndex(Begin, static frame => frame.OverTime.Verdict == Verdict.Manipulated) - Begin;
            int half = Enumerable.Range(Begin, Length - Begin).First(at => FillsMostOfWindow(frames, at)) - Begin;
            Assert.True(found >= 0 && found <= half, $"{name}, seed {seed}: found after {found} frames, and {half} make most of the window");
            Assert.InRange(found, 0, PerSecond);
            Assert.DoesNotContain(frames[..Begin], static frame => frame.OverTime.Verdict == Verdict.Manipulated);
            Assert.DoesNotContain(frames[(End + PerSecond + 1)..], static frame => frame.OverTime.Verdict == Verdict.Manipulated);

            // A segment lies where the manipulation does.
            var segments = filter.Segments().Segments;
            Assert.InRange(segments[0].First.Sequence, (ulong)Begin - 3, (ulong)Begin + 15);
            Assert.InRange(segments[^1].Last.Sequence, (ulong)End - 15, (ulong)End + 12);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: changes {raw} -> {smoothed}, flips {rawFlips} -> {smoothedFlips}");
        if (name == "steady")
        {
            // Nothing to smooth: it comes and goes once. On its way it is uncertain, as it is at the beginning.
            Assert.Equal((40, 40, 80), (rawFlips, smoothedFlips, smoothed));
        }
        else
        {
            Assert.True(2 * smoothed <= raw, $"{name}: {smoothed} changes over time, {raw} of frames");
            Assert.True(2 * smoothedFlips <= rawFlips, $"{name}: {smoothedFlips} flips over time, {rawFlips} of frames");
        }
    }

    private static bool FillsMostOfWindow(List<(Verdict Raw, TemporalVerdict OverTime)> frames, int at)
    {
        int window = frames[at].OverTime.Frames;
        int manipulated = frames[(at + 1 - window)..(at + 1)].Count(static frame => frame.Raw == Verdict.Manipulated);
        return frames[at].Raw == Verdict.Manipulated && manipulated >= Settings.MinFrames && 2 * manipulated > window;
    }

    /// <summary>From authentic to manipulated and back, uncertain between them or not.</summary>
    private static int Flips(IEnumerable<Verdict> verdicts) => Changes(verdicts.Where(static verdict => verdict != Verdict.Uncertain));

    private static int Changes(IEnumerable<Verdict> verdicts)
    {
        var all = verdicts.ToList();
        return all.Zip(all.Skip(1)).Count(static pair => pair.First != pair.Second);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
