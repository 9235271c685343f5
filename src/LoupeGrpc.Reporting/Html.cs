using System.Net;
using LoupeGrpc.Results;

namespace LoupeGrpc.Reporting;

/// <summary>Text of others inside a page: nothing of it is markup, and no letter of it turns what stands around it.</summary>
internal static class Html
{
    public static string Text(string text) => WebUtility.HtmlEncode(Printable.Text(text));

    /// <summary>A path as all results show it, in a direction of its own.</summary>
    public static string Path(string path) => $"<bdi>{Text(PathText.Show(path))}</bdi>";
}
