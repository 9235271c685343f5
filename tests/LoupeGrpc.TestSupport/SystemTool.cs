using System.Diagnostics;

namespace LoupeGrpc.TestSupport;

/// <summary>Programs of the system that some tests need and `scripts/prerequisites.sh test` installs.</summary>
public static class SystemTool
{
    /// <summary>Whether ffmpeg and ffprobe are on the PATH.</summary>
    public static bool HasFfmpeg { get; } = Runs("ffmpeg", "-version") && Runs("ffprobe", "-version");

    /// <summary>Why tests with videos are skipped.</summary>
    public const string NoFfmpeg = "ffmpeg is not installed: scripts/prerequisites.sh test";

    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>Its standard output.</returns>
    public static byte[] Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var output = new MemoryStream();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return process.ExitCode == 0 ? output.ToArray() : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}");
    }

    /// <summary>Makes a video of ffmpeg's moving test picture.</summary>
    /// <param name="file">Where it is written.</param>
    /// <param name="source">Of `testsrc2`, e.g. `s=96x64:r=10:d=4`.</param>
    /// <param name="arguments">Codec and container.</param>
    public static void MakeVideo(string file, string source, params string[] arguments) =>
        Run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", $"testsrc2={source}", .. arguments, file]);

    private static bool Runs(string program, string argument)
    {
        try
        {
            Run(program, argument);
            return true;
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }
}
