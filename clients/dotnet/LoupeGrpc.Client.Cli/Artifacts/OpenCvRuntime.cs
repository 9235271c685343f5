using LoupeGrpc.Client.Cli.Hosting;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>OpenCV's native library, loaded only by what needs it: overlays and reports.</summary>
internal static class OpenCvRuntime
{
    /// <exception cref="CliException">It cannot be loaded here.</exception>
    public static void EnsureLoaded()
    {
        try
        {
            // Standard error is for people, who are told by this program what is wrong.
            Cv2.SetLogLevel(LogLevel.SILENT);
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException or BadImageFormatException or OpenCvSharpException)
        {
            throw new CliException(
                "overlays and reports need OpenCV, which cannot be loaded here: install libgtk-3-0, libdrm2 and libatomic1 "
                + $"(Debian), or leave out --save-overlays and --report ({error.GetBaseException().Message.ReplaceLineEndings(" ")})",
                ExitCode.Internal);
        }
    }
}
