using System.Globalization;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>How videos, cameras and network streams are read.</summary>
/// <param name="HardwareDecoder">As ffmpeg calls it, e.g. `cuda`; null decodes on the CPU.</param>
/// <param name="RtspTransport">As ffmpeg calls it: `tcp`, `udp` or `http`.</param>
/// <param name="ReadTimeout">A source that gives nothing for so long is broken.</param>
internal sealed record VideoOptions(string? HardwareDecoder, string RtspTransport, TimeSpan ReadTimeout)
{
    public static VideoOptions Default { get; } = new(null, "tcp", TimeSpan.FromSeconds(30));

    /// <summary>What people are told of a source that stayed silent.</summary>
    public static string NothingCameFor(TimeSpan timeout) =>
        string.Create(CultureInfo.InvariantCulture, $"nothing came for {timeout.TotalSeconds:0.#} s (--read-timeout)");
}
