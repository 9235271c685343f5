using System.Globalization;
using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>What the SOURCE of `stream` is, and how it may be shown.</summary>
internal abstract partial record SourceAddress
{
    private SourceAddress(string label) => Label = label;

    /// <summary>The address without credentials.</summary>
    public string Label { get; }

    /// <summary>A name that a file has is a file's, whatever else it looks like.</summary>
    public static SourceAddress Parse(string text)
    {
        if (text == "-")
        {
            return new StandardInput();
        }

        if (text.StartsWith("camera:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan("camera:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return new Camera(text, index);
        }

        if (!text.Contains("://", StringComparison.Ordinal) || Path.Exists(text))
        {
            return new Local(text, text);
        }

        return text.StartsWith("file://", StringComparison.OrdinalIgnoreCase) ? new Local(text, FileOf(text)) : new Network(text);
    }

    /// <summary>What a `file://` address names. Browsers escape what is unusual in it, people do not.</summary>
    private static string FileOf(string url)
    {
        var path = url["file://".Length..];
        var local = path.StartsWith("localhost/", StringComparison.OrdinalIgnoreCase) ? path["localhost".Length..] : path;
        return Path.Exists(local) ? local : Uri.UnescapeDataString(local);
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

    /// <summary>`rtsp://…` and whatever else is read from the network.</summary>
    internal sealed record Network : SourceAddress
    {
        public Network(string url)
            : base(Redact(url)) => Url = url;

        /// <summary>With credentials: never to be shown.</summary>
        public string Url { get; }

        public override string ToString() => Label;
    }

    /// <summary>A video file, a picture, or a folder of frames.</summary>
    /// <param name="Text">As the user wrote it.</param>
    /// <param name="File">Where it is.</param>
    internal sealed record Local(string Text, string File) : SourceAddress(Text);

    /// <summary>`-`.</summary>
    internal sealed record StandardInput() : SourceAddress("-");
}
