using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>What ffmpeg opens, and with which words.</summary>
internal sealed partial class VideoInput
{
    private const string ForFiles = "file,crypto,data";
    private const string ForHttp = "http,https,httpproxy,tcp,tls,crypto,data";
    private const string ForRtsp = "rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto";
    private const string ForRtmp = "rtmp,rtmpe,rtmps,rtmpt,rtmpte,rtmpts,ffrtmpcrypt,ffrtmphttp,tcp,tls,http,https,crypto";

    /// <summary>For messages.</summary>
    public const string Schemes = "rtsp, rtmp, http, https, srt, udp, rtp, tcp, file";

    private VideoInput(string label, string address, params string[] arguments)
    {
        Label = label;
        Address = address;
        Arguments = arguments;
    }

    /// <summary>For people, without credentials.</summary>
    public string Label { get; }

    /// <summary>Of an address of the network; null where it names none.</summary>
    public string? Host => Uri.TryCreate(Label, UriKind.Absolute, out var uri) && uri.Host.Length > 0 ? uri.Host : null;

    /// <summary>For ffmpeg. With credentials: never to be shown.</summary>
    public string Address { get; }

    /// <summary>For ffmpeg, in front of the address.</summary>
    public IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Whether ffprobe is asked first. A camera may serve one at a time, and takes seconds to be opened.</summary>
    public bool IsProbed { get; private init; }

    /// <summary>Whether it can be opened again when it broke.</summary>
    public bool CanReopen { get; private init; }

    /// <summary>Whether its server keeps a place for us until it hears that we left.</summary>
    public bool WantsGoodbye { get; private init; }

    /// <summary>What a file says from which nothing else may be opened; its name is never taken for an address.</summary>
    /// <param name="label">As the user wrote it.</param>
    /// <param name="file">Where it is.</param>
    public static VideoInput OfFile(string label, string file) =>
        new(label, $"file:{Path.GetFullPath(file)}", "-protocol_whitelist", ForFiles)
        {
            // What a pipe or device gives to ffprobe, ffmpeg would lack.
            IsProbed = new FileInfo(file).Length > 0,
        };

    /// <summary>This program's standard input.</summary>
    public static VideoInput OfStandardInput() => new("-", "pipe:0", "-protocol_whitelist", "pipe,crypto,data");

    /// <param name="label">As the user wrote it.</param>
    /// <param name="device">E.g. `/dev/video0`.</param>
    public static VideoInput OfCamera(string label, string device) => new(label, device, "-f", "v4l2", "-err_detect", "explode");

    /// <summary>A stream, or a recording on a server, that may refer only to the network.</summary>
    /// <returns>Null where the address is of none of the kinds that are read.</returns>
    public static VideoInput? OfNetwork(SourceAddress.Network network, VideoOptions options)
    {
        var url = network.Url;
        return url[..url.IndexOf("://", StringComparison.Ordinal)].ToLowerInvariant() switch
        {
            "rtsp" or "rtsps" => Of(
                "-protocol_whitelist",
                ForRtsp,
                "-rtsp_transport",
                options.RtspTransport,
                "-allowed_media_types",
                "video",
                // What ffmpeg would learn in five seconds of watching, the session description says.
                "-analyzeduration",
                "1000000",
                "-fpsprobesize",
                "0"),
            "rtmp" or "rtmps" or "rtmpt" or "rtmpe" or "rtmpts" or "rtmpte" => Of("-protocol_whitelist", ForRtmp),
            "http" or "https" => new(network.Label, url, "-protocol_whitelist", ForHttp) { IsProbed = true, CanReopen = true },
            "srt" => Of("-protocol_whitelist", "srt,udp"),
            "udp" or "rtp" => Of("-protocol_whitelist", "udp,rtp,srtp"),
            "tcp" => Of("-protocol_whitelist", "tcp"),
            _ => null,
        };

        VideoInput Of(params string[] arguments) => new(network.Label, url, arguments) { CanReopen = true, WantsGoodbye = true };
    }

    /// <summary>With further words for ffmpeg.</summary>
    public VideoInput With(params string[] arguments) =>
        new(Label, Address) { Arguments = [.. Arguments, .. arguments], IsProbed = IsProbed, CanReopen = CanReopen, WantsGoodbye = WantsGoodbye };

    /// <summary>What ffmpeg said, without credentials.</summary>
    public string Redact(string message) =>
        AnyAddress().Replace(
            message.Replace(Address, Label, StringComparison.Ordinal),
            address => SourceAddress.Redact(address.Value));

    /// <summary>Of several lines of ffmpeg's the one that tells most, for people.</summary>
    public string Reason(IEnumerable<string> lines)
    {
        var said = lines
            .Select(line => FfmpegLine.Parse(line) as FfmpegLine.Message)
            .OfType<FfmpegLine.Message>()
            .Where(message => message.IsError)
            .ToList();
        return Reason(said) ?? "ffmpeg does not say why";
    }

    /// <inheritdoc cref="Reason(IEnumerable{string})"/>
    public string? Reason(IReadOnlyList<FfmpegLine.Message> errors)
    {
        // ffmpeg's own line ends the list and is general; what a part of it said before is the cause.
        var own = errors.LastOrDefault(error => error.Text.StartsWith($"{Address}: ", StringComparison.Ordinal));
        var cause = errors.LastOrDefault(error => error.Context.Length > 0 && !error.Context.StartsWith("in#", StringComparison.Ordinal));
        var general = own?.Text[(Address.Length + 2)..] ?? (errors.Count > 0 ? errors[^1].Text : null);
        return general is null
            ? null
            : Redact(cause is null || general.Contains(cause.Text, StringComparison.Ordinal) ? general : $"{general} ({cause.Text})");
    }

    [GeneratedRegex(@"[a-z][a-z0-9+.-]*://[^\s'""]+", RegexOptions.IgnoreCase)]
    private static partial Regex AnyAddress();
}
