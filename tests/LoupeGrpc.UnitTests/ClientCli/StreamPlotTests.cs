using System.Xml.Linq;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Running;
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
    public void A_stream_that_is_judged_over_time_shows_the_curve_and_the_stretches_of_that()
    {
        var curves = new StreamCurves(byTime: true);
        for (var i = 0; i < 40; i++)
        {
            curves.Write(Rows.Frame((ulong)i, i / 10.0, Rows.OverTime(Verdict.Manipulated, 0.7f)));
        }

        var spans = curves.Spans([new Stretch(5, 9, 0.5, 0.9, ""), new Stretch(20, 30, null, null, "")]);
        Assert.Equal([(0.5, 0.9), (2.0, 3.0)], spans);
        string[] expected = ["over time", "manipulated over time"];
        var with = Texts(StreamPlot.Draw(curves, "clip", svg: true, spans: spans));
        Assert.All(expected, text => Assert.Contains(text, with));
        var without = Texts(StreamPlot.Draw(Curves(10, adapts: false), "clip", svg: true));
        Assert.All(expected, text => Assert.DoesNotContain(text, without));
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
    public void Where_no_mask_was_computed_the_curve_has_a_gap()
    {
        using var whole = Draw(_ => true);
        using var halves = Draw(frame => frame is < 10 or >= 30);
        using var single = Draw(frame => frame == 20);

        var (all, some, one) = (Columns(whole), Columns(halves), Columns(single));
        Assert.InRange(all.Count, 1000, 1150);
        Assert.DoesNotContain(all.Zip(all.Skip(1)), pair => pair.Second - pair.First > 1);
        // Half of the frames, and one hole.
        Assert.InRange(some.Count, 0.4 * all.Count, 0.6 * all.Count);
        Assert.Single(some.Zip(some.Skip(1)), pair => pair.Second - pair.First > 1);
        // A single frame is a dot.
        Assert.InRange(one.Count, 1, 12);

        static Mat Draw(Func<int, bool> hasMask)
        {
            var curves = new StreamCurves(byTime: true);
            for (var i = 0; i < 40; i++)
            {
                var number = i;
                curves.Write(Rows.Frame((ulong)i, i / 10.0, result => result.Mask = hasMask(number) ? new Mask { Area = 30_000 } : null));
            }

            return Cv2.ImDecode(StreamPlot.Draw(curves, "clip.avi", svg: false), ImreadModes.Color);
        }

        // Columns of the second panel, below its legend, in which the curve is.
        static List<int> Columns(Mat picture)
        {
            using var panel = picture[new Rect(0, 262, picture.Width, picture.Height - 262)];
            using var curve = new Mat();
            Cv2.InRange(panel, new Scalar(0x2B, 0x39, 0xC0), new Scalar(0x2B, 0x39, 0xC0), curve);
            return [.. Enumerable.Range(0, picture.Width).Where(column => Cv2.CountNonZero(curve.Col(column)) > 0)];
        }
    }

    [Fact]
    public void The_axis_of_the_score_ends_at_1()
    {
        var texts = Texts(StreamPlot.Draw(Curves(50, adapts: false, byTime: false), "clip.avi", svg: true));

        var numbers = texts.Where(text => double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out _)).ToList();
        Assert.Contains("1", numbers);
        Assert.DoesNotContain("1.2", numbers);
        Assert.DoesNotContain("1.4", numbers);
    }

    [Theory]
    // Beside a first peak of 400 everything else would be a flat line.
    [InlineData(400.0, 2.0, 0.5, true)]
    [InlineData(2.0, 1.0, 0.5, false)]
    public void A_loss_is_readable_beside_its_first_peak(double first, double second, double third, bool isLogarithmic)
    {
        var curves = new StreamCurves(byTime: true);
        for (var i = 0; i < 60; i++)
        {
            var loss = i == 0 ? first : i < 30 ? second : third;
            curves.Write(Rows.Frame((ulong)i, i / 10.0, result => result.Adaptation = new AdaptationState { Step = 1, LastLoss = (float)loss }));
        }

        var texts = Texts(StreamPlot.Draw(curves, "clip.avi", svg: true));
        using var picture = Cv2.ImDecode(StreamPlot.Draw(curves, "clip.avi", svg: false), ImreadModes.Color);
        using var panel = picture[new Rect(80, 470, 1090, 170)];
        using var curve = new Mat();
        Cv2.InRange(panel, new Scalar(0x83, 0x34, 0x6C), new Scalar(0x83, 0x34, 0x6C), curve);

        Assert.Equal(isLogarithmic, texts.Contains("100"));
        // The levels of the first half and of the second are apart.
        var (left, right) = (Row(curve.Col(300)), Row(curve.Col(900)));
        Assert.InRange(right - left, 10, 100);

        static int Row(Mat column) => Enumerable.Range(0, column.Height).First(row => column.At<byte>(row, 0) != 0);
    }

    [Fact]
    public void A_demonstration_model_marks_its_plots()
    {
        Assert.Contains("demonstration model", Texts(StreamPlot.Draw(Curves(9, adapts: false), "clip.avi", svg: true, isDemonstration: true)));
        Assert.DoesNotContain("demonstration model", Texts(StreamPlot.Draw(Curves(9, adapts: false), "clip.avi", svg: true)));
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
