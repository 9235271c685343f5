using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Results;
using LoupeGrpc.V1;

namespace LoupeGrpc.Reporting;

/// <summary>One input in a report: its row in the list, and what was found out about it.</summary>
/// <param name="Number">Its place in the order of inputs, from 0, as `frame_id` in the other formats.</param>
/// <param name="Kind">A class of the page, by which entries are filtered.</param>
internal sealed record ReportEntry(ulong Number, string Kind)
{
    public const string Manipulated = "manipulated";
    public const string Uncertain = "uncertain";
    public const string Authentic = "authentic";
    public const string Failed = "failed";
    public const string LeftOut = "left-out";
    public const string Earlier = "earlier";

    /// <summary>Enough for people: the other formats have all.</summary>
    private const int MaxRegions = 8;

    private const double BarWidth = 300;

    private readonly StringBuilder _row = new();
    private readonly StringBuilder _details = new();

    /// <summary>As HTML, one row of the list.</summary>
    public string Row => _row.ToString();

    /// <summary>As HTML, an article.</summary>
    public string Details => _details.ToString();

    public static string KindOf(Verdict verdict) => verdict switch
    {
        Verdict.Manipulated => Manipulated,
        Verdict.Authentic => Authentic,
        _ => Uncertain,
    };

    /// <param name="language">Of the sentences.</param>
    /// <param name="pictures">Null: none are shown.</param>
    /// <param name="whyNone">Said in their place.</param>
    public static ReportEntry OfResult(ReportInput input, FrameResult result, string language, ReportPictures? pictures, string whyNone)
    {
        var entry = new ReportEntry(input.Number, KindOf(result.Verdict));
        entry.AddRow(input, WireName.Of(result.Verdict), Score(result.Score), Forged(result), string.Join(' ', result.Notes.Select(static note => WireName.Of(note.Code))));
        entry.Begin(input, WireName.Of(result.Verdict), input.Time);
        entry.AddPictures(result, pictures, whyNone);
        entry.AddResult(result, language, input.IsRaw);
        return entry.Ended();
    }

    /// <param name="what">In a word of the contract, and more where there is more.</param>
    /// <param name="message">For people.</param>
    /// <param name="file">What was sent, which is known even where nobody could read it; null: it is not known.</param>
    public static ReportEntry OfFailure(ReportInput input, string code, string what, string message, ReadOnlyMemory<byte>? file)
    {
        var entry = new ReportEntry(input.Number, Failed);
        entry.AddRow(input, "FAILED", "", "", what);
        entry.Begin(input, "FAILED", input.Time);
        entry.Add($"<p>{Html.Text($"{code}: {message}")}</p>\n<dl>");
        if (file is { } data)
        {
            entry.AddFact("SHA-256", Code(SHA256.HashData(data.Span)));
        }

        entry.Add("</dl>");
        return entry.Ended();
    }

    /// <param name="word">DROPPED or EXPIRED.</param>
    /// <param name="age">From receipt to then.</param>
    public static ReportEntry OfLeftOut(ReportInput input, string word, string reason, TimeSpan age)
    {
        var entry = new ReportEntry(input.Number, LeftOut);
        entry.AddRow(input, word, "", "", reason);
        entry.Begin(input, word, input.Time);
        entry.Add(Invariant($"<p>{Html.Text(reason)}, {age.TotalMilliseconds:0} ms after the server received it. Nothing is known about it.</p>"));
        return entry.Ended();
    }

    /// <summary>An input that an earlier run has analysed.</summary>
    /// <param name="sha256">Hexadecimal.</param>
    public static ReportEntry OfEarlier(ReportInput input, Verdict verdict, float score, string sha256)
    {
        var word = WireName.Of(verdict);
        var entry = new ReportEntry(input.Number, $"{KindOf(verdict)} {Earlier}");
        entry.AddRow(input, word, Score(score), "", "earlier result");
        entry.Begin(input, word, "earlier result");
        entry.Add("<p>An earlier run with <code>--skip-done</code> analysed it, with the same model and settings; the file has not changed since. Pictures and details of that run are not repeated here.</p>\n<dl>");
        entry.AddFact("Score", Score(score));
        entry.AddFact("SHA-256", $"<code>{Html.Text(sha256)}</code>");
        entry.Add("</dl>");
        return entry.Ended();
    }

    private void AddRow(ReportInput input, string word, string score, string forged, string remark)
    {
        var timeCell = input.IsFrame ? $"<td>{input.Time}</td>" : "";
        _row.Append(CultureInfo.InvariantCulture, $"""<tr class="entry {Kind}"><td>{Number}</td><td class="text"><span class="badge">{Html.Text(word)}</span></td>{timeCell}<td>{score}</td><td>{forged}</td><td class="text"><a href="#e{Number}">{Html.Path(input.Path)}</a></td><td class="text">{Html.Text(remark)}</td></tr>""").Append('\n');
    }

    private void Begin(ReportInput input, string word, string remark) => _details.Append(CultureInfo.InvariantCulture, $"""
        <article class="entry {Kind}" id="e{Number}">
        <h3><span class="badge">{Html.Text(word)}</span> {Html.Path(input.Path)} <small>no. {Number}{(remark.Length > 0 ? $", {Html.Text(remark)}" : "")}</small></h3>

        """);

    private ReportEntry Ended()
    {
        _details.Append("</article>\n");
        return this;
    }

    private void AddPictures(FrameResult result, ReportPictures? pictures, string whyNone)
    {
        if (pictures is null)
        {
            Add($"<p class=\"about\">{Html.Text(whyNone)}</p>");
            return;
        }

        Add("<div class=\"pair\">");
        AddPicture(pictures.Original, pictures, "The picture", pictures.IsReduced ? "the picture, reduced" : "the picture");
        if (pictures.Overlay is { } overlay)
        {
            AddPicture(overlay, pictures, "The picture with what was marked", "what was marked");
        }
        else
        {
            Add($"<p class=\"nothing\">{Html.Text(WhyUnmarked(result))}</p>");
        }

        Add("</div>");
    }

    private void AddPicture(byte[] jpeg, ReportPictures pictures, string alt, string caption) => _details.Append(
        CultureInfo.InvariantCulture,
        $"""<figure><img alt="{alt}" width="{pictures.Width}" height="{pictures.Height}" src="data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}"><figcaption>{caption}</figcaption></figure>""").Append('\n');

    private void AddResult(FrameResult result, string language, bool isRaw)
    {
        AddScore(result);
        if (result.Explanation.Count > 0)
        {
            Add($"<ul class=\"sentences\" lang=\"{Html.Text(language)}\">{string.Concat(result.Explanation.Select(static sentence => $"<li>{Html.Text(sentence.Text)}</li>"))}</ul>");
        }

        Add("<dl>");
        foreach (var note in result.Notes)
        {
            AddFact("Note", $"<b>{WireName.Of(note.Code)}</b> {Html.Text(note.Message)}");
        }

        AddProvenance(result.Provenance);
        AddFact(isRaw ? "SHA-256 of the pixels sent" : "SHA-256", Code(result.Sha256.Span));
        AddFact("Size", Invariant($"{result.Width} × {result.Height} pixels{(result.Orientation > 1 ? $" as stored; shown turned, as its EXIF orientation {result.Orientation} asks" : "")}"));
        if (result.Mask is { } mask)
        {
            AddFact("Marked", Invariant($"{Forged(result)} of the picture, {mask.Area} pixels{Agreement(result.MaskAgreement)}"));
        }

        if (result.BaseMask is not null)
        {
            AddFact("Without adaptation", Invariant($"the mask differs on {100 * result.MaskDisagreement:0.0} % of the picture"));
        }

        if (result.Tiles is { } tiles)
        {
            var peak = tiles.Peak is { Box: { } box } highest ? Invariant($"; highest score {highest.Score:0.000} at {box.X}, {box.Y}, {box.Width} × {box.Height}") : "";
            var window = tiles.Window is { } pooled
                ? Invariant($", of the last {pooled.Frames} frames ({pooled.Fresh} of this one; {(pooled.Masked > 0 ? $"the mask is of {pooled.Masked}" : "no mask")})")
                : "";
            AddFact("Tiles", Invariant($"{tiles.Analysed} of {tiles.Total} analysed{window}, {tiles.Step} pixels apart{(tiles.WholePictureRun ? ", after a look at the whole" : "")}{peak}"));
        }

        if (result.Adaptation is { } state)
        {
            AddFact("Adaptation", Invariant($"step {state.Step}, drift {state.Drift:0.0000}{(state.Frozen ? ", frozen" : "")}, state {Code(state.Hash.Span)}"));
        }

        if (result.Economies.Count > 0)
        {
            AddFact("Went without", string.Join(", ", result.Economies.Select(static economy => WireName.Of(economy))));
        }

        AddFact("Ran on", Invariant($"{Html.Text($"{result.Execution?.Provider} {result.Execution?.Precision}")}, {result.Timings?.TotalMs ?? 0:0} ms from receipt to result"));
        Add("</dl>");
        AddRegions(result);
    }

    /// <summary>What the file says of itself. Everything in it may be anybody's words.</summary>
    private void AddProvenance(Provenance? provenance)
    {
        if (provenance?.ContentCredentials is { } credentials)
        {
            AddFact("Content Credentials", Html.Text(CredentialsWords.Sum(credentials)));
            AddClaim("claimed by", credentials.ClaimGenerator);
            AddClaim("claimed title", credentials.Title);
            AddClaim("claimed actions", string.Join(", ", credentials.Actions));
            AddClaim("claimed sources", string.Join(", ", credentials.DigitalSourceTypes));
            AddClaim("made from", credentials.Ingredients > 0 ? Invariant($"{credentials.Ingredients} {(credentials.Ingredients == 1 ? "ingredient" : "ingredients")}") : "");
            AddClaim("signed at", CertificateField.TimeOf(credentials.SignedAt) ?? "");
            foreach (var (name, check) in CredentialsWords.Checks(credentials))
            {
                AddFact($"— {name}", $"<b>{WireName.Of(check.Result)}</b> {Html.Text(check.Reason)}");
            }

            foreach (var certificate in credentials.Certificates)
            {
                AddFact("— certificate", $"{Html.Text(certificate.Subject)}, issued by {Html.Text(certificate.Issuer)}, valid {CertificateField.TimeOf(certificate.NotBefore)} to {CertificateField.TimeOf(certificate.NotAfter)}, {Code(certificate.Sha256.Span)}");
            }
        }

        if (provenance is { JpegTables: not JpegTables.Unspecified })
        {
            AddFact("JPEG tables", provenance.JpegTables == JpegTables.Libjpeg ? Invariant($"libjpeg's, of quality {provenance.JpegQuality}") : "other than libjpeg's");
        }
    }

    private void AddClaim(string name, string text)
    {
        if (text.Length > 0)
        {
            AddFact($"— {name}", Html.Text(text));
        }
    }

    /// <summary>The score on a scale with both thresholds.</summary>
    private void AddScore(FrameResult result)
    {
        var (low, high) = (result.Thresholds?.Low ?? 0, result.Thresholds?.High ?? 1);
        var (from, to, at) = (BarWidth * Share(low), BarWidth * Share(high), BarWidth * Share(result.Score));
        _details.Append(CultureInfo.InvariantCulture, $"""
            <p class="score"><svg class="bar" viewBox="-6 0 312 22" aria-hidden="true"><rect class="authentic" x="0" y="8" width="{from:0.##}" height="6"/><rect class="open" x="{from:0.##}" y="8" width="{Math.Max(0, to - from):0.##}" height="6"/><rect class="forged" x="{to:0.##}" y="8" width="{BarWidth - to:0.##}" height="6"/><rect class="at" x="{at - 2:0.##}" y="1" width="4" height="20" rx="2"/></svg>
            <span>score <b>{Score(result.Score)}</b>; AUTHENTIC below {low:0.####}, MANIPULATED from {high:0.####} on</span></p>

            """);
    }

    private void AddRegions(FrameResult result)
    {
        if (result.Regions.Count == 0)
        {
            return;
        }

        Add($"<div class=\"wide\"><table class=\"regions\"><caption>Marked regions{(result.Orientation > 1 ? ", in stored pixels" : "")}</caption><tr><th>left, top</th><th>width × height</th><th>pixels</th><th>mean</th></tr>");
        foreach (var region in result.Regions.Take(MaxRegions))
        {
            var box = region.Box ?? new Box();
            Add(Invariant($"<tr><td>{box.X}, {box.Y}</td><td>{box.Width} × {box.Height}</td><td>{region.Area}</td><td>{region.Mean:0.00}</td></tr>"));
        }

        Add("</table></div>");
        if (result.Regions.Count > MaxRegions)
        {
            Add(Invariant($"<p class=\"about\">and {result.Regions.Count - MaxRegions} smaller ones</p>"));
        }
    }

    private void AddFact(string name, string html) => _details.Append(CultureInfo.InvariantCulture, $"<div><dt>{name}</dt><dd>{html}</dd></div>\n");

    private void Add(string html) => _details.Append(html).Append('\n');

    private static string WhyUnmarked(FrameResult result) => result switch
    {
        { Mask: { Area: 0 } } => "Nothing is marked in it.",
        { Mask: not null } => "The mask cannot be shown.",
        { MaskOmission: MaskOmission.Budget } => "The mask was too long to be sent.",
        { Economies: var economies } when economies.Contains(Economy.NoMask) => "No mask was computed: the session was losing frames.",
        _ => "No mask was asked for with this verdict.",
    };

    private static string Agreement(MaskAgreement agreement) => agreement switch
    {
        MaskAgreement.Agrees => "; mask and verdict agree",
        MaskAgreement.Disagrees => "; <strong>mask and verdict disagree</strong>: look at it by hand",
        _ => "",
    };

    private static double Share(float value) => float.IsFinite(value) ? Math.Clamp(value, 0, 1) : 0;

    private static string Score(float score) => Invariant($"{score:0.0000}");

    private static string Forged(FrameResult result)
    {
        var pixels = (double)result.Width * result.Height;
        return result.Mask is { } mask && pixels > 0 ? Invariant($"{100 * mask.Area / pixels:0.0} %") : "-";
    }

    private static string Code(ReadOnlySpan<byte> hash) => $"<code>{Convert.ToHexStringLower(hash)}</code>";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What an entry is of.</summary>
/// <param name="Number">Its place in the order of inputs, from 0.</param>
/// <param name="Path">Its name.</param>
/// <param name="IsFrame">It is one of a stream, and has a time.</param>
/// <param name="TimeSeconds">In the stream; null: it is not known.</param>
/// <param name="IsRaw">Pixels were sent, no file.</param>
internal sealed record ReportInput(ulong Number, string Path, bool IsFrame = false, double? TimeSeconds = null, bool IsRaw = false)
{
    /// <summary>For people; empty where there is none.</summary>
    public string Time => TimeSeconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s") : "";
}
