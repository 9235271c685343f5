using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>OpenCV's settings for the whole process.</summary>
internal static class OpenCv
{
    /// <exception cref="ModelLoadException">The native library is not there, or a system library that it needs.</exception>
    public static void Initialize() => Initialize(static () => Cv2.SetNumThreads(1));

    internal static void Initialize(Action firstCall)
    {
        try
        {
            // The pipeline's own workers are the parallelism: each frame is decoded by one of them.
            firstCall();

            // What decoders say of broken pictures is collected for whoever sent them; libtiff says it through OpenCV's log.
            DecoderComplaints.Install();
            Cv2.SetLogLevel(LogLevel.WARNING);
        }
        catch (Exception exception) when (exception is TypeInitializationException or DllNotFoundException or OpenCvSharpException)
        {
            throw new ModelLoadException(
                "OpenCV's native library, or a library that it links, cannot be loaded. On Debian all of them come with: apt-get install libgtk-3-0 libdrm2 libatomic1. "
                + exception.GetBaseException().Message,
                exception);
        }
    }
}
