using System.Xml.Linq;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.V1;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class StreamPlotTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Svg_names_every_curve_axis_and_mark_of_a_session_that_adapts()
    {
        var curves = Curves(50, adapts: true, dual: true);
        curves.Mark(new SessionEvent { Kind = SessionEventKind.AdaptationRolledBack, Sequence = 30 });
        curves.Mark(new SessionEvent { Kind = SessionEventKind.Draining, Sequence = 40 });

        var texts = Texts(StreamPlot.Draw(curves, "gate/clip.avi", svg: true));

        string[] expected =
        [
            "gate/clip.avi", "score", "mask area (%)", "mask area", "without adaptation", "disagreement", "loss", "loss of the last step", "drift",
            "parameter drift", "time (s)", "guard: rolled back", "authentic below 0.4", "manipulated from 0.6",
        ];
        Assert.All(expected, text => Assert.Contains(text, texts));
        Assert.DoesNotContain(texts, text => text.Contains("stopping", StringComparison.OrdinalIgnoreCase) || text.Contains("Draining", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_adaptation_there_are_no_empty_panels()
    {
        var texts = Texts(StreamPlot.Draw(Curves(1, adapts: false, byTime: false), "one", svg: true));

        Assert.Contains("frame", texts);
        Assert.DoesNotContain("loss", texts);
        Assert.DoesNotContain("drift", texts);
        Assert.DoesNotContain("without adaptation", texts);
    }

    [Fact]
    public void Png_shows_curves_and_labels()
    {
        using var picture = Cv2.ImDecode(StreamPlot.Draw(Curves(50, adapts: true), "clip.avi", svg: false), ImreadModes.Color);

        Assert.Equal((1200, 880), (picture.Width, picture.Height));
        // The colour of each curve, blue first, and black where letters are: on a machine without fonts too.
        Assert.All([(0x9E, 0x4E, 0x1F), (0x2B, 0x39, 0xC0), (0x83, 0x34, 0x6C), (0x49, 0x84, 0x1E)], color => Assert.InRange(Count(picture, color), 50, 50_000));
        using var axis = picture[new Rect(0, 0, 40, picture.Height)];
        Assert.InRange(Count(axis, (0, 0, 0)), 50, 10_000);
    }

    [Fact]
    public void A_mark_stands_at_the_first_frame_it_concerns()
    {
        var curves = Curves(20, adapts: true);
        curves.Mark(new SessionEvent { Kind = SessionEventKind.AdaptationFrozen, Sequence = 10 });
        curves.Mark(new SessionEvent { Kind = SessionEventKind.AdaptationEvicted, Sequence = 99 });

        Assert.Equal([(1.0, "guard: frozen"), (1.9, "evicted")], curves.Marks().Select(mark => (Math.Round(mark.X, 6), mark.Label)));
    }

    [Fact]
    public void A_stream_without_end_keeps_its_shape_in_bounded_memory()
    {
        var curves = new StreamCurves(byTime: false, capacity: 64);
        for (var i = 0; i < 10_000; i++)
        {
            curves.Write(Rows.Frame((ulong)i, i / 10.0));
        }

        var points = curves.Points();
        Assert.InRange(points.Count, 32, 64);
        var steps = points.Zip(points.Skip(1), (one, next) => next.X - one.X).Distinct();
        Assert.Single(steps);
        Assert.Equal(0, points[0].X);
        Assert.InRange(points[^1].X, 9_700, 9_999);
    }

    private static StreamCurves Curves(int frames, bool adapts, bool dual = false, bool byTime = true)
    {
        var curves = new StreamCurves(byTime);
        for (var i = 0; i < frames; i++)
        {
            var number = i;
            curves.Write(Rows.Frame((ulong)i, i / 10.0, result =>
            {
                result.Score = 0.5f + (0.4f * MathF.Sin(number / 5f));
                result.Thresholds = new Thresholds { Low = 0.4f, High = 0.6f };
                result.Mask.Area = (ulong)(30_000 + (1000 * number));
                if (adapts)
                {
                    result.Adaptation = new AdaptationState { Step = (ulong)number, Drift = number * 1e-4f, LastLoss = 2f / (1 + number) };
                }

                if (dual && number % 5 == 0)
                {
                    result.BaseMask = new Mask { Area = 35_000 };
                    result.MaskDisagreement = 0.02f;
                }
            }));
        }

        return curves;
    }

    private static List<string> Texts(byte[] svg)
    {
        using var stream = new MemoryStream(svg);
        return [.. XDocument.Load(stream).Descendants(Svg + "text").Select(text => text.Value.Trim())];
    }

    private static int Count(Mat picture, (int Blue, int Green, int Red) color)
    {
        using var found = new Mat();
        var wanted = new Scalar(color.Blue, color.Green, color.Red);
        Cv2.InRange(picture, wanted, wanted, found);
        return Cv2.CountNonZero(found);
    }
}
