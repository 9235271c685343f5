using System.Security.Cryptography;
using System.Text;

namespace LoupeGrpc.Reporting;

/// <summary>
/// What every page of this program stands in: one file that needs nothing else. Charts are inside it as SVG, pictures as data, nothing in it runs, and a browser
/// is told so: only this very style sheet and pictures inside the page are taken.
/// </summary>
internal static class PageFrame
{
    public const string End = "</main>\n</body>\n</html>\n";

    /// <summary>Said at once, before any figure.</summary>
    public const string Demonstration = "<p class=\"warning\"><strong>A demonstration model answered:</strong> decide nothing real by these figures.</p>\n";

    /// <param name="title">Text.</param>
    /// <param name="style">What the page has beside the common style.</param>
    /// <returns>All before what is in the body.</returns>
    public static string Start(string title, string style)
    {
        // As a browser hashes it: what stands between the tags, to the letter.
        var sheet = (CommonStyle + style).ReplaceLineEndings("\n");
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(sheet)));
        return $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <title>{Html.Text(title)}</title>
            <style>{sheet}</style>
            </head>
            <body>
            <main>

            """;
    }

    private const string CommonStyle = """

        :root{color-scheme:light dark;--ink:#1c2127;--soft:#5d6875;--line:#d9dee4;--back:#fff;--card:#f4f6f8;--curve:#1f6feb;--forged:#c8372d;--open:#a86400;--authentic:#2f7d32}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--line:#39414b;--back:#14181d;--card:#1e242b;--curve:#6ea8fe;--forged:#ef6f66;--open:#e0a030;--authentic:#6dbb70}}
        body{margin:2rem auto;max-width:70rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back)}
        h1{font-size:1.5rem;margin:0 0 .3rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .6rem}
        .about,figcaption,small{color:var(--soft)}.warning{padding:.6rem .9rem;border-left:4px solid #d08700;background:var(--card)}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.7rem;margin-top:1rem}
        .card{padding:.7rem .9rem;border-radius:.4rem;background:var(--card);display:flex;flex-direction:column}.card b{font-size:1.4rem}
        figure{margin:0}figcaption{font-size:.85rem;overflow-wrap:anywhere}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.25rem .8rem;border-bottom:1px solid var(--line);text-align:right}
        .text{text-align:left;overflow-wrap:anywhere}th{color:var(--soft);font-weight:600}
        svg{width:100%;height:auto}svg text{fill:var(--ink);font:11px system-ui,sans-serif}svg .title{font-weight:600;font-size:13px}svg .tick,svg .axis{fill:var(--soft);paint-order:stroke;stroke:var(--back);stroke-width:3px}
        .grid{stroke:var(--line);stroke-width:.6}.curve{fill:none;stroke:var(--curve);stroke-width:2}.chance{fill:none;stroke:var(--soft);stroke-dasharray:4 4}
        .best{fill:var(--curve)}rect.authentic{fill:var(--authentic)}rect.forged{fill:var(--forged)}

        """;
}
