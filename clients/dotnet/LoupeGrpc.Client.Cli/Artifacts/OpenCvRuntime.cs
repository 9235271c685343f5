using LoupeGrpc.Client.Cli.CommandLine;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>OpenCV's native library, loaded only by what needs it: videos, cameras and overlays.</summary>
internal static class OpenCvRuntime
{
    /// <exception cref="CliException">It cannot be loaded here.</exception>
    public static void EnsureLoaded()
    {
        try
        {
            // Its messages repeat addresses, credentials included.
            Cv2.SetLogLevel(LogLevel.SILENT);
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException or BadImageFormatException or OpenCvSharpException)
        {
            throw new CliException(
                "videos, cameras and overlays need OpenCV, which cannot be loaded here: install libgtk-3-0, libdrm2 and libatomic1 "
                + $"(Debian), or leave out --save-overlays ({error.GetBaseException().Message.ReplaceLineEndings(" ")})",
                ExitCode.Internal);
        }
    }
}
