using System.Globalization;
using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>What the SOURCE of `stream` is, and how it may be shown.</summary>
internal abstract partial record SourceAddress
{
    private SourceAddress(string label) => Label = label;

    /// <summary>The address without credentials.</summary>
    public string Label { get; }

    public static SourceAddress Parse(string text)
    {
        if (text.StartsWith("camera:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan("camera:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return new Camera(text, index);
        }

        return text.Contains("://", StringComparison.Ordinal) ? new Network(text) : new Local(text);
    }

    /// <summary>An address with user, password and every value of its query masked.</summary>
    internal static string Redact(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var path = url.AsSpan(start).IndexOfAny("/?#");
        var authority = path < 0 ? url.Length : start + path;
        var at = url.LastIndexOf('@', authority - 1, authority - start);
        if (at < 0 && !HasPort(url.AsSpan(start, authority - start)))
        {
            // A password with a slash in it: whatever stands before the last @ is none of the reader's business.
            at = url.LastIndexOf('@');
        }

        var shown = at < start ? url : $"{url[..start]}***{url[at..]}";
        return QueryValue().Replace(SecretValue().Replace(shown, "$1=***"), "$1=***");
    }

    private static bool HasPort(ReadOnlySpan<char> authority)
    {
        // [::1] and the like: only what follows the bracket is a port.
        var colon = authority.LastIndexOf(':');
        return colon < 0 || authority[^1] == ']' || int.TryParse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    [GeneratedRegex(@"([?&][^=&#]*)=[^&#]*")]
    private static partial Regex QueryValue();

    /// <summary>Some cameras take their credentials in the path: `/user=admin&amp;password=x`.</summary>
    [GeneratedRegex(@"((?:user|usr|name|pass|pwd|password|token|auth|key|secret)\w*)=[^&/?#]*", RegexOptions.IgnoreCase)]
    private static partial Regex SecretValue();

    /// <summary>`camera:0`.</summary>
    internal sealed record Camera(string Text, int Index) : SourceAddress(Text);

    /// <summary>`rtsp://…` and whatever else the video library reads from the network.</summary>
    internal sealed record Network : SourceAddress
    {
        public Network(string url)
            : base(Redact(url)) => Url = url;

        /// <summary>With credentials: never to be shown.</summary>
        public string Url { get; }

        public override string ToString() => Label;
    }

    /// <summary>A video file, a picture, or a folder of frames.</summary>
    internal sealed record Local(string File) : SourceAddress(File);
}
