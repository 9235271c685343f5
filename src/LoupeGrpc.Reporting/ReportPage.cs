using System.Globalization;
using System.Text;
using LoupeGrpc.Results;
using LoupeGrpc.V1;

namespace LoupeGrpc.Reporting;

/// <summary>What stands in a report around its entries.</summary>
/// <param name="about">What is known of that of which it is.</param>
/// <param name="counts">What the report has.</param>
internal sealed class ReportPage(ReportAbout about, ReportCounts counts)
{
    private const double Mebibyte = 1024 * 1024;

    private static readonly (string Kind, string Word)[] Filters =
    [
        (ReportEntry.Manipulated, "Manipulated"), (ReportEntry.Uncertain, "Uncertain"), (ReportEntry.Authentic, "Authentic"), (ReportEntry.Failed, "Failed"),
        (ReportEntry.LeftOut, "Dropped or expired"), (ReportEntry.Earlier, "Earlier results"),
    ];

    private SessionGrant? Grant => about.Grant;

    private bool IsStream => about.IsStream;

    private string Things => IsStream ? "frames" : "pictures";

    /// <summary>Up to the rows of the list, as UTF-8.</summary>
    public byte[] Start()
    {
        var title = about.Source is { } source ? $"Report on the stream {source}" : Invariant($"Report on {about.Tally.Total} picture{(about.Tally.Total == 1 ? "" : "s")}");
        var page = new StringBuilder(PageFrame.Start(title, Style));
        page.Append(CultureInfo.InvariantCulture, $"<h1>{Html.Text(title)}</h1>\n<p class=\"about\">{Html.Text(About())}</p>\n");
        if (Grant?.Model?.Demonstration == true)
        {
            page.Append(PageFrame.Demonstration);
        }

        AppendSummary(page);
        page.Append(about.Timeline);
        AppendFilters(page);
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    /// <summary>Between the rows of the list and the entries.</summary>
    public static byte[] Middle() => Encoding.UTF8.GetBytes("</tbody></table></div>\n<div class=\"entries\">\n");

    /// <summary>Behind the entries.</summary>
    public byte[] End()
    {
        var page = new StringBuilder("</div>\n</div>\n");
        AppendMeaning(page);
        AppendSettings(page);
        AppendSize(page);
        page.Append(PageFrame.End);
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private string About()
    {
        var model = Grant?.Model is { } known ? $", analysed by {known.Name} {known.Version} ({known.Hash[..Math.Min(8, known.Hash.Length)]})" : "";
        return Invariant($"{about.Started.UtcDateTime:yyyy-MM-dd HH:mm:ss} to {about.Ended.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC{model} on {about.Server}. Written by {about.Program}.");
    }

    private void AppendSummary(StringBuilder page)
    {
        page.Append("<h2 id=\"summary\">Summary</h2>\n");
        if (about.Fault is { } fault)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"warning\"><strong>The run ended early:</strong> {Html.Text(fault)}. This is what had been done until then.</p>\n");
        }
        else if (about.IsInterrupted)
        {
            page.Append("<p class=\"warning\"><strong>The run was interrupted:</strong> this is what had been done until then.</p>\n");
        }

        page.Append("<div class=\"cards\">\n");
        AppendCard(page, about.Tally.Manipulated, "manipulated", ReportEntry.Manipulated);
        AppendCard(page, about.Tally.Uncertain, "uncertain", ReportEntry.Uncertain);
        AppendCard(page, about.Tally.Authentic, "authentic", ReportEntry.Authentic);
        AppendCard(page, about.Tally.Failed, "failed", ReportEntry.Failed);
        if (about.Tally.LeftOut > 0)
        {
            AppendCard(page, about.Tally.LeftOut, "dropped or expired", ReportEntry.LeftOut);
        }

        if (about.Tally.Skipped > 0)
        {
            AppendCard(page, about.Tally.Skipped, "from an earlier run", ReportEntry.Earlier);
        }

        page.Append("</div>\n");
        if (about.Conclusion is { } conclusion)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>{Html.Text(conclusion)}</p>\n");
        }

        if (about.Remark is { } remark)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>Not looked at: {Html.Text(remark)}.</p>\n");
        }

        page.Append("<p class=\"about\">AUTHENTIC means that no trace was found, not that a picture is genuine: <a href=\"#meaning\">what these figures mean and do not mean</a>.</p>\n");
    }

    private static void AppendCard(StringBuilder page, long count, string word, string kind) =>
        page.Append(CultureInfo.InvariantCulture, $"<div class=\"card {kind}\"><b>{count}</b><span>{word}</span></div>\n");

    /// <summary>Without a script: what is hidden follows from which of the buttons before it is chosen.</summary>
    private void AppendFilters(StringBuilder page)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h2 id=\"results\">{(IsStream ? "Frames" : "Pictures")}</h2>\n<div class=\"filtered\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<input type=\"radio\" name=\"show\" id=\"show-all\" checked><label for=\"show-all\">All <small>{counts.Entries}</small></label>\n");
        foreach (var (kind, word) in Filters.Where(filter => counts.Of(filter.Kind) > 0))
        {
            page.Append(CultureInfo.InvariantCulture, $"<input type=\"radio\" name=\"show\" id=\"show-{kind}\"><label for=\"show-{kind}\">{word} <small>{counts.Of(kind)}</small></label>\n");
        }

        page.Append("<p class=\"printed\">Printed with a filter: some entries are not shown.</p>\n");
        var time = IsStream ? "<th>time</th>" : "";
        page.Append(CultureInfo.InvariantCulture, $"<div class=\"wide\" tabindex=\"0\"><table class=\"list\"><thead><tr><th>no.</th><th class=\"text\">verdict</th>{time}<th>score</th><th>marked</th><th class=\"text\">{(IsStream ? "frame" : "picture")}</th><th class=\"text\">notes</th></tr></thead><tbody>\n");
    }

    private void AppendMeaning(StringBuilder page)
    {
        var thresholds = Grant?.Thresholds;
        var (low, high) = thresholds is null ? ("the lower threshold", "the upper threshold") : (Invariant($"{thresholds.Low:0.####}"), Invariant($"{thresholds.High:0.####}"));
        page.Append("<h2 id=\"meaning\">What these figures mean and do not mean</h2>\n<ul class=\"meaning\">\n");
        if (Grant?.Model?.Demonstration == true)
        {
            Add("<strong>The model is a demonstration.</strong> It shows what the program does. Nothing real may be decided by what it says.");
        }

        Add("<b>The score</b> is the model's estimate, from 0 to 1, that a picture was manipulated. It is a measurement with errors, and no proof. Unless the model was calibrated on pictures like these, it is no frequency either: of a hundred pictures with a score of 0.9, ninety need not be forged.");
        Add($"<b>MANIPULATED</b> means that the score is {high} or more. It does not say who changed what, when or why, and not every change is a forgery: strong retouching, filters, stitched panoramas and captions painted into a picture can leave the same traces.");
        Add($"<b>AUTHENTIC</b> means that the score is below {low}: no trace was found that this model knows. It is no proof that a picture is genuine. Small changes, changes of a kind that the model never learned, and traces that were lost by scaling, compressing or photographing a screen stay unseen. A genuine picture with a false caption, or of a staged scene, is not manipulated in this sense.");
        Add("<b>UNCERTAIN</b> means that the score lies between the two, or that the picture is damaged: the model cannot tell, and a person has to look.");
        Add("<b>The thresholds</b> are a choice. A lower one finds more forgeries and accuses more genuine pictures. Measure both on pictures of your own before you rely on them (<code>loupe-grpc-client evaluate</code>).");
        Add("<b>What is marked</b> is where the model sees traces, at the coarse resolution of its input: edges are not exact, and a part that is not marked is not thereby genuine. Hatched means that the verdict is not MANIPULATED. A region's mean is how strongly it is marked, not a probability.");
        Add("<b>FAILED</b>, DROPPED and EXPIRED say nothing about a picture: it was not analysed.");
        if (IsStream)
        {
            Add("<b>Frames of a stream</b> are judged one by one. A single frame with a high score among low ones is weaker than a stretch of them. Frames between those analysed were not looked at.");
        }

        if (Grant?.Adaptation is not null)
        {
            Add("<b>The session adapted:</b> each mask depends on the frames before it. The state's hash says which parameters made it; scores do not change by it.");
        }

        Add("<b>The pictures here</b> are small copies, compressed anew. Examine the originals: a file is the one that was analysed if its SHA-256 is the one given here (<code>sha256sum FILE</code>).");
        Add("<b>This report is not signed.</b> Whoever can write to the file can change it.");
        page.Append("</ul>\n");

        void Add(string html) => page.Append(CultureInfo.InvariantCulture, $"<li>{html}</li>\n");
    }

    private void AppendSettings(StringBuilder page)
    {
        page.Append("<h2 id=\"settings\">How it was made</h2>\n<dl>\n");
        if (Grant is { } grant)
        {
            if (grant.Model is { } model)
            {
                Add("Model", $"{Html.Text($"{model.Name} {model.Version}")}{(model.Demonstration ? " <strong>(demonstration)</strong>" : "")}");
                Add("Model's hash", $"<code>{Html.Text(model.Hash)}</code>");
            }

            Add("Server", Html.Text(about.Server));
            Add("Ran on", Html.Text($"{grant.Execution?.Provider} {grant.Execution?.Precision} {grant.Execution?.Device}".Trim()));
            if (grant.SessionId.Length > 0)
            {
                Add("Session", $"<code>{Html.Text(grant.SessionId)}</code>");
            }

            if (grant.Thresholds is { } thresholds)
            {
                Add("Thresholds", Invariant($"AUTHENTIC below {thresholds.Low:0.####}, MANIPULATED from {thresholds.High:0.####} on"));
            }

            Add("Masks", WireName.Of(grant.Mask?.Policy ?? default));
            Add("Tiles", grant.Tiles is { } tiles ? Invariant($"{WireName.Of(tiles.Policy)}, at most {tiles.MaxTiles}{(tiles.TilesPerFrame > 0 ? $", {tiles.TilesPerFrame} of each frame{(tiles.WindowFrames > 0 ? $" in a window of {tiles.WindowFrames}" : "")}" : "")}") : "OFF");
            if (IsStream)
            {
                Add("Delivery", WireName.Of(grant.Delivery?.Mode ?? default));
                Add("Adaptation", grant.Adaptation is null ? "off" : "on");
            }

            foreach (var missing in grant.Unavailable)
            {
                Add("Not available", Html.Text($"{missing.Feature}: {missing.Reason}"));
            }
        }
        else
        {
            Add("Server", Html.Text($"{about.Server}; it was not needed"));
        }

        Add("Time", Invariant($"{about.Started.UtcDateTime:yyyy-MM-dd HH:mm:ss} to {about.Ended.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"));
        Add("Program", Html.Text(about.Program));
        page.Append(CultureInfo.InvariantCulture, $"</dl>\n<div class=\"wide\" tabindex=\"0\"><table class=\"options\"><caption>{about.OptionsCaption}</caption>\n");
        foreach (var option in about.Options)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"text\"><code>{Html.Text(option.Name)}</code></td><td class=\"text\">{Html.Text(option.Value)}</td><td class=\"text\">{(option.IsGiven ? "given" : "default")}</td></tr>\n");
        }

        page.Append("</table></div>\n");

        void Add(string name, string html) => page.Append(CultureInfo.InvariantCulture, $"<div><dt>{name}</dt><dd>{html}</dd></div>\n");
    }

    private void AppendSize(StringBuilder page)
    {
        page.Append("<h2 id=\"size\">How large this report may be</h2>\n");
        page.Append(CultureInfo.InvariantCulture, $"<p>The first {counts.Limits.Entries} {Things} have an entry, after them those that are suspected or failed, {counts.Limits.MaxEntries} in all. Pictures have at most {counts.Limits.MaxSide} pixels on the longer side; from picture {counts.Limits.Pictures + 1} on only suspected ones are shown, with at most {counts.Limits.LaterMaxSide} pixels, and all pictures together take at most {counts.Limits.MaxPictureBytes / Mebibyte:0.##} MiB. Counts, timeline and the other formats of results have everything.</p>\n");
        page.Append(counts is { WithoutEntry: 0, WithoutPictures: 0 }
            ? "<p>Nothing was left out of this one.</p>\n"
            : Invariant($"<p>Left out of this one: the pictures of {counts.WithoutPictures} entries, and {counts.WithoutEntry} entries.</p>\n"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private const string Style = """
        h3{font-size:1rem;margin:0 0 .6rem;overflow-wrap:anywhere}h3 small{font-weight:400}
        .badge{display:inline-block;white-space:nowrap;padding:0 .5em;border-radius:.3rem;font-size:.8rem;font-weight:600;color:var(--tone);border:1px solid var(--tone)}
        .manipulated{--tone:var(--forged)}.uncertain{--tone:var(--open)}.authentic{--tone:var(--authentic)}.failed,.left-out{--tone:var(--soft)}
        .about{overflow-wrap:anywhere}.cards{grid-template-columns:repeat(auto-fill,minmax(8rem,1fr))}.card{border-left:4px solid var(--tone,var(--soft))}
        .filtered>input{position:absolute;opacity:0}.filtered>label{display:inline-block;margin:0 .4rem .5rem 0;padding:.25rem .8rem;border:1px solid var(--line);border-radius:1rem;cursor:pointer}
        .filtered>input:checked+label{border-color:var(--curve);background:var(--card);font-weight:600}.filtered>input:focus-visible+label{outline:2px solid var(--curve);outline-offset:2px}
        #show-manipulated:checked~div .entry:not(.manipulated),#show-uncertain:checked~div .entry:not(.uncertain),#show-authentic:checked~div .entry:not(.authentic),#show-failed:checked~div .entry:not(.failed),#show-left-out:checked~div .entry:not(.left-out),#show-earlier:checked~div .entry:not(.earlier){display:none}
        .printed{display:none}.list{min-width:100%}.list .text{overflow-wrap:break-word}.list .text:nth-last-child(2){min-width:12rem;overflow-wrap:anywhere}
        a{color:var(--curve)}article{margin:1.5rem 0;padding:1rem;border:1px solid var(--line);border-left:4px solid var(--tone);border-radius:.4rem}article:target{outline:2px solid var(--curve)}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(16rem,100%),1fr));gap:.8rem;margin-bottom:.6rem}.pair img{display:block;max-width:100%;height:auto;border-radius:.3rem;background:var(--card)}
        .nothing{margin:0;padding:1rem;align-self:stretch;display:flex;align-items:center;justify-content:center;color:var(--soft);background:var(--card);border-radius:.3rem}
        .score{display:flex;flex-wrap:wrap;align-items:center;gap:.2rem .8rem;margin:.4rem 0}.bar{flex:0 1 19rem}rect.open{fill:var(--open)}rect.at{fill:var(--ink);stroke:var(--back);stroke-width:1}
        .sentences{margin:.4rem 0;padding-left:1.2rem}dl{margin:.6rem 0}dl div{display:flex;flex-wrap:wrap;gap:0 .8rem;padding:.1rem 0}dt{flex:0 0 10rem;color:var(--soft)}dd{flex:1 1 14rem;margin:0;overflow-wrap:anywhere}
        code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}caption{text-align:left;color:var(--soft);padding:.2rem 0}.regions,.options{font-size:.9rem}.meaning{max-width:48rem}.meaning li{margin:.4rem 0}
        .timeline svg{min-width:40rem}.segment{fill:var(--forged);opacity:.18}.overtime{fill:none;stroke:var(--forged);stroke-width:1.5}.event{stroke:var(--ink);stroke-dasharray:2 3;fill:none}
        @media(max-width:30rem){body{margin:1rem auto}dt{flex-basis:100%}article{padding:.7rem}th,td{padding:.25rem .4rem}}
        @media print{:root{color-scheme:light;--ink:#111;--soft:#555;--line:#ccc;--back:#fff;--card:#f4f6f8;--curve:#1f6feb;--forged:#b3261e;--open:#8a5200;--authentic:#2f7d32}
        @page{margin:14mm}body{margin:0;max-width:none;padding:0;font-size:10pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
        .filtered>label{display:none}.filtered>input:checked:not(#show-all)~.printed{display:block}.wide{overflow:visible}.timeline svg{min-width:0}
        article,.card,figure,tr,dl div,.meaning li{break-inside:avoid}h2,h3{break-after:avoid}.pair{grid-template-columns:1fr 1fr}.pair{margin-bottom:.3rem}.pair img{max-height:3.7cm;width:auto}table,.regions,.options{font-size:8pt}th,td{padding:.05rem .5rem}figcaption,h3{font-size:1em}.nothing{padding:.5rem}
        article{margin:.6rem 0;padding:.5rem .8rem;font-size:8.5pt;line-height:1.35}ul.sentences,.score,dl{margin:.25rem 0}.list .text:nth-last-child(2){min-width:0}a{color:inherit;text-decoration:none}}

        """;
}
