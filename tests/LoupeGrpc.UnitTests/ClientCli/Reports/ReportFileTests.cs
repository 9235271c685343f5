using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Reports;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.Reporting;
using LoupeGrpc.Results;
using LoupeGrpc.V1;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Reports;

/// <summary>A report from rows to a page, read as what a browser would make of it.</summary>
public sealed partial class ReportFileTests : IDisposable
{
    /// <summary>Markup, a way out of an attribute, an entity, a control of terminals, one that turns the direction of writing, and a byte that is not UTF-8.</summary>
    private const string Hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover=\"x' &lt; \u001b[31m \u202e \udce9";

    private static readonly string[] Elements =
    [
        "!doctype", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "strong", "b", "small", "span", "div", "a", "bdi", "code", "ul", "li", "dl", "dt", "dd",
        "input", "label", "table", "caption", "thead", "tbody", "tr", "th", "td", "article", "figure", "figcaption", "img", "svg", "rect", "text", "line", "polyline", "circle",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-report-").FullName;
    private readonly List<string> _told = [];

    private string Page => Path.Combine(_folder, "report.html");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Nothing_that_comes_from_elsewhere_is_markup_or_turns_a_line_around()
    {
        var html = Write(
            report =>
            {
                report.Begin(Grant(hostile: true));
                report.Tell(new SessionEvent { Kind = SessionEventKind.ProviderChanged, Message = Hostile });
                report.Write(Row(0, result =>
                {
                    result.Explanation.Add(new Explanation { Text = Hostile });
                    result.Notes.Add(new Note { Code = NoteCode.Damaged, Message = Hostile });
                    result.Execution = new ExecutionInfo { Provider = Hostile, Precision = Hostile };
                }, path: Hostile));
                report.Write(Rows.Failed(LoupeFailureCode.Invalid, Hostile, Hostile));
                report.Write(Rows.Dropped());
                report.Write(Rows.Expired());
                report.Skip(Row(9, path: Hostile).Item, 9, new DoneInput(new DoneMark(Hostile, 1, default, Hostile, Hostile), Hostile, Verdict.Manipulated, 0.9f, null, null));
            },
            facts => facts with
            {
                Source = Hostile,
                Server = Hostile,
                Remark = Hostile,
                Fault = Hostile,
                Options = [new OptionInForce("--model", Hostile, IsGiven: true)],
                Curves = new StreamCurves(byTime: true),
                Run = facts.Run with { Grant = Grant(hostile: true) },
            },
            isStream: true,
            language: "en");

        var tags = Tag().Matches(html).Select(static match => match.Groups[1].Value).ToList();
        Assert.All(tags, tag => Assert.Contains(tag, Elements));
        // The hostile text is there as often as it was given, as text.
        Assert.InRange(Regex.Count(html, Regex.Escape("&lt;script&gt;alert(1)&lt;/script&gt;")), 14, int.MaxValue);
        Assert.DoesNotMatch("<[^>]*\\son[a-z]+=", html);
        Assert.DoesNotContain(html, letter => char.IsSurrogate(letter) || letter == '\u202e' || (char.IsControl(letter) && letter != '\n'));
        Assert.Contains(@"\xe9", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_needs_nothing_else_and_lets_nothing_run_but_its_own_style()
    {
        var html = Write(report => report.Write(Row(0)));

        var sheet = Regex.Match(html, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(sheet)));
        Assert.Contains($"default-src 'none'; style-src 'sha256-{hash}'; img-src data:;", html, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=\"(?!data:image/jpeg;base64,|#)", html);
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_stand_upright_beside_what_was_marked_and_are_no_larger_than_said()
    {
        var html = Write(report => report.Write(Row(0, result => result.Orientation = 6, width: 1600, height: 400)));

        var pictures = Pictures(html);
        Assert.Equal(2, pictures.Count);
        Assert.All(pictures, picture => Assert.Equal(new Size(160, 640), picture.Size()));
        Assert.Contains("width=\"160\" height=\"640\"", html, StringComparison.Ordinal);
        // The mask is the left quarter as stored; turned by a quarter clockwise that is the top.
        using var difference = new Mat();
        Cv2.Absdiff(pictures[0], pictures[1], difference);
        Assert.True(Cv2.Mean(new Mat(difference, new Rect(20, 40, 120, 60))).Val0 > 20, "nothing is marked at the top");
        Assert.True(Cv2.Mean(new Mat(difference, new Rect(20, 200, 120, 250))).Val0 < 5, "something is marked in the middle");
    }

    [Fact]
    public void A_mark_of_one_pixel_is_still_there_in_a_small_picture()
    {
        using var mask = new Mat(4000, 4000, MatType.CV_8UC1, Scalar.Black);
        mask.Set(1999, 3001, (byte)255);

        using var small = Thumbnail.FitMask(mask, 320);

        Assert.Equal(new Size(320, 320), small.Size());
        Assert.Equal(1, Cv2.CountNonZero(small));
    }

    [Fact]
    public void Beyond_its_limits_a_report_has_what_is_suspected_and_says_what_it_leaves_out()
    {
        var limits = new ReportLimits { MaxSide = 320, Pictures = 2, LaterMaxSide = 160, Entries = 3, MaxEntries = 5 };
        var html = Write(
            report =>
            {
                for (ulong number = 0; number < 4; number++)
                {
                    report.Write(Row(number, Authentic, width: 400, height: 100));
                }

                report.Write(Rows.Failed(LoupeFailureCode.Invalid, "broken"));
                report.Write(Row(5, width: 400, height: 100));
                report.Write(Row(6, width: 400, height: 100));
            },
            limits: limits);

        Assert.Equal([320, 320, 160, 160], Pictures(html).Select(static picture => picture.Width));
        Assert.Equal(["0", "1", "2", "4", "5"], Regex.Matches(html, "<article [^>]*id=\"e([0-9]+)\"").Select(static match => match.Groups[1].Value));
        Assert.Contains("Left out of this one: the pictures of 1 entries, and 2 entries.", html, StringComparison.Ordinal);
        Assert.Contains("<label for=\"show-authentic\">Authentic <small>3</small></label>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("show-uncertain\">", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_take_no_more_room_than_they_may()
    {
        const long most = 60_000;
        var html = Write(
            report =>
            {
                for (ulong number = 0; number < 20; number++)
                {
                    report.Write(Row(number, width: 640, height: 640, isNoise: true));
                }
            },
            limits: new ReportLimits { MaxPictureBytes = most, MaxSide = 100 });

        var data = Regex.Matches(html, "base64,([^\"]*)").Sum(static match => match.Groups[1].Length);
        Assert.InRange(data, most / 3, most);
        Assert.Matches("the pictures of [0-9]+ entries, and 0 entries", html);
        Assert.Equal(20, Regex.Count(html, "<article "));
    }

    [Fact]
    public void What_cannot_be_written_costs_the_report_alone_and_is_said_once()
    {
        using var report = ReportFile.Create(Page, "en", isStream: false, _told.Add);
        report.Write(Row(0));
        Directory.CreateDirectory(Page);

        Assert.False(report.Complete(Facts()));
        report.Write(Row(1));
        Assert.False(report.Complete(Facts()));

        Assert.True(report.HasFailed);
        Assert.StartsWith($"error: no report in {Page}: ", Assert.Single(_told), StringComparison.Ordinal);
        report.Dispose();
        Assert.Equal([Page], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void An_older_report_stays_until_the_new_one_is_whole()
    {
        File.WriteAllText(Page, "older");
        using (var report = ReportFile.Create(Page, "en", isStream: false, _told.Add))
        {
            report.Write(Row(0));
            Assert.Equal("older", File.ReadAllText(Page));
        }

        Assert.Equal("older", File.ReadAllText(Page));
        Assert.Equal([Page], Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(ExitCode.NothingFound, "Exit code 0: all of it was analysed, and nothing is MANIPULATED.")]
    [InlineData(ExitCode.Manipulated, "Exit code 10: all of it was analysed, and something is MANIPULATED.")]
    [InlineData(ExitCode.SomeFailed, "Exit code 20: 1 of 2 pictures could not be analysed, and nothing is known about them.")]
    [InlineData(ExitCode.Interrupted, "The run was interrupted:")]
    [InlineData(ExitCode.Refused, "Exit code 77: the server did not let us go on.")]
    internal void It_says_what_the_exit_code_says(ExitCode code, string text)
    {
        var tally = new RunTally();
        foreach (var row in (OutcomeRow[])[Row(0), Rows.Failed(LoupeFailureCode.Invalid, "broken")])
        {
            tally.Write(row);
        }

        Assert.Contains(text, Write(report => report.Write(Row(0)), facts => facts with { Tally = tally, ExitCode = code }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_demonstration_is_called_one_before_any_figure()
    {
        var html = Write(report => report.Begin(Grant()), facts => facts with { Run = facts.Run with { Grant = Grant() } });

        var warning = html.IndexOf("A demonstration model answered", StringComparison.Ordinal);
        Assert.InRange(warning, 0, html.IndexOf("Summary", StringComparison.Ordinal));
        Assert.Contains("Nothing real may be decided by what it says.", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_of_an_earlier_run_are_listed_as_such()
    {
        var html = Write(report => report.Skip(Row(0).Item, 0, new DoneInput(new DoneMark("/a", 1, default, "m", "s"), "abcd", Verdict.Authentic, 0.25f, null, null)));

        Assert.Contains("<small>no. 0, earlier result</small>", html, StringComparison.Ordinal);
        Assert.Contains("<code>abcd</code>", html, StringComparison.Ordinal);
        Assert.Contains("<article class=\"entry authentic earlier\"", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_has_its_curves_and_the_frames_that_peak_are_among_the_points()
    {
        var curves = new StreamCurves(byTime: true);
        for (ulong number = 0; number < 10_000; number++)
        {
            curves.Write(Rows.Frame(number, number / 25.0, result => result.Score = number == 7_777 ? 0.9f : 0.1f));
        }

        var html = Write(_ => { }, facts => facts with { Source = "clip.avi", Curves = curves }, isStream: true);

        var score = Regex.Match(html, "aria-label=\"Score\".*?</svg>", RegexOptions.Singleline).Value;
        var points = Regex.Match(score, "class=\"curve\" points=\"([^\"]*)\"").Groups[1].Value.Split(' ');
        Assert.InRange(points.Length, 500, 1200);
        // 26 above, 110 high.
        Assert.Single(points, static point => double.Parse(point.Split(',')[1], CultureInfo.InvariantCulture) < 26 + 55);
    }

    private static void Authentic(FrameResult result)
    {
        (result.Verdict, result.Score, result.Mask) = (Verdict.Authentic, 0.1f, null);
        result.Regions.Clear();
    }

    /// <summary>A picture whose left quarter is marked.</summary>
    private static OutcomeRow Row(ulong number, Action<FrameResult>? change = null, string path = "a.png", int width = 64, int height = 48, bool isNoise = false)
    {
        var pixels = new byte[width * height * 3];
        if (isNoise)
        {
            new Random((int)number).NextBytes(pixels);
        }
        else
        {
            pixels.AsSpan().Fill(128);
        }

        var row = Rows.Result(path, result =>
        {
            (result.Width, result.Height) = ((uint)width, (uint)height);
            result.Mask = new Mask { Rle = new CocoRle { Size = { (uint)height, (uint)width }, Counts = Counts(0, width / 4 * height, (width - (width / 4)) * height) }, Area = (ulong)(width / 4 * height) };
            change?.Invoke(result);
        });
        return row with
        {
            FrameId = number,
            Frame = new RawFrame(pixels, new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = (uint)width, Height = (uint)height }),
        };
    }

    /// <summary>COCO's compressed counts, of at most three runs.</summary>
    private static string Counts(params int[] runs)
    {
        var text = new StringBuilder();
        foreach (var run in runs)
        {
            var rest = run;
            bool isMore;
            do
            {
                var group = rest & 0x1F;
                rest >>= 5;
                isMore = (group & 0x10) != 0 ? rest != -1 : rest != 0;
                text.Append((char)((isMore ? group | 0x20 : group) + 48));
            }
            while (isMore);
        }

        return text.ToString();
    }

    private static SessionGrant Grant(bool hostile = false)
    {
        var grant = new SessionGrant
        {
            SessionId = hostile ? Hostile : "s-1",
            Model = new ModelInfo { Name = hostile ? Hostile : "nano", Version = hostile ? Hostile : "1", Hash = hostile ? Hostile : new string('a', 64), Demonstration = true },
            Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32", Device = hostile ? Hostile : "" },
            Thresholds = new Thresholds { Low = 0.4f, High = 0.6f },
        };
        grant.Unavailable.Add(new Unavailable { Feature = hostile ? Hostile : "dual", Reason = hostile ? Hostile : "no" });
        return grant;
    }

    private static ReportFacts Facts() => new()
    {
        Command = "analyze",
        Source = null,
        Started = DateTimeOffset.UnixEpoch,
        Ended = DateTimeOffset.UnixEpoch.AddSeconds(5),
        Server = "http://127.0.0.1:5005",
        Options = [],
        Tally = new RunTally(),
        Run = new RunReport(null, null, null),
        ExitCode = ExitCode.NothingFound,
    };

    private static List<Mat> Pictures(string html) =>
    [
        .. Regex.Matches(html, "src=\"data:image/jpeg;base64,([^\"]*)\"").Select(static match => Cv2.ImDecode(Convert.FromBase64String(match.Groups[1].Value), ImreadModes.Color)),
    ];

    private string Write(Action<ReportFile> fill, Func<ReportFacts, ReportFacts>? change = null, ReportLimits? limits = null, bool isStream = false, string language = "")
    {
        using (var report = ReportFile.Create(Page, language, isStream, _told.Add, limits))
        {
            fill(report);
            Assert.True(report.Complete(change?.Invoke(Facts()) ?? Facts()), string.Join('\n', _told));
        }

        Assert.Equal([Page], Directory.GetFileSystemEntries(_folder));
        return File.ReadAllText(Page, new UTF8Encoding(false, throwOnInvalidBytes: true));
    }

    [GeneratedRegex("</?([a-z!][a-z0-9]*)")]
    private static partial Regex Tag();
}
