using System.Globalization;
using System.Text.RegularExpressions;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>The system's ffmpeg and ffprobe.</summary>
/// <param name="Ffmpeg">Full path.</param>
/// <param name="Ffprobe">Full path.</param>
/// <param name="Version">Major and minor number; of a build that carries none, as those from a development branch, a very high one.</param>
internal sealed partial record VideoTools(string Ffmpeg, string Ffprobe, Version Version)
{
    /// <summary>The first with `-noautoscale`, without which a stream that changes its size is resampled to its first.</summary>
    private static readonly Version Oldest = new(4, 4);

    private static readonly Version Unnumbered = new(int.MaxValue, 0);

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(30);

    /// <summary>What `--version` calls 5.1.</summary>
    public bool HasFrameRateModes => Version >= new Version(5, 1);

    /// <summary>From 7.0 on demuxer, decoder and filters run on threads of their own, with queues between them.</summary>
    public bool HasQueues => Version >= new Version(7, 0);

    /// <summary>Looks on the PATH.</summary>
    /// <exception cref="ProgramUnavailableException">They are not there, or too old.</exception>
    public static async Task<VideoTools> FindAsync(CancellationToken cancellationToken)
    {
        if (Find("ffmpeg") is not { } ffmpeg || Find("ffprobe") is not { } ffprobe)
        {
            throw new ProgramUnavailableException(
                "videos, cameras and network streams are read by the programs ffmpeg and ffprobe, which are not installed here: "
                + "`apt-get install ffmpeg` (Debian, Ubuntu), or put them on the PATH");
        }

        var output = await VersionAsync(ffmpeg, cancellationToken);
        var version = VersionLine().Match(output) is { Success: true } found
            ? new Version(Number(found.Groups["major"]), Number(found.Groups["minor"]))
            : output.StartsWith("ffmpeg version", StringComparison.Ordinal)
                ? Unnumbered
                : throw new ProgramUnavailableException($"{ffmpeg} does not say its version: install ffmpeg {Oldest} or newer");
        return version >= Oldest
            ? new VideoTools(ffmpeg, ffprobe, version)
            : throw new ProgramUnavailableException($"{ffmpeg} is version {version}, which is too old to read videos with: install ffmpeg {Oldest} or newer");
    }

    /// <summary>For people.</summary>
    public override string ToString() => Version == Unnumbered ? $"{Ffmpeg}, a development version" : $"{Ffmpeg} {Version}";

    private static async Task<string> VersionAsync(string ffmpeg, CancellationToken cancellationToken)
    {
        try
        {
            return (await ChildProgram.ReadToEndAsync(ffmpeg, ["-version"], AnswerTime, cancellationToken)).Output;
        }
        catch (TimeoutException)
        {
            throw new ProgramUnavailableException(
                string.Create(CultureInfo.InvariantCulture, $"{ffmpeg} -version gave no answer within {AnswerTime.TotalSeconds:0} s"));
        }
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.GetFullPath(Path.Combine(folder, program)))
            .FirstOrDefault(file => File.Exists(file) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & AnyExecute) != 0));

    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static int Number(Group digits) => int.Parse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>`ffmpeg version 5.1.9-0+deb12u1`, `ffmpeg version n7.1`; a build from git has `N-112233-g…` or a date.</summary>
    [GeneratedRegex(@"^ffmpeg version n?(?<major>\d{1,3})\.(?<minor>\d{1,4})")]
    private static partial Regex VersionLine();
}
