using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>A real RTSP server, GStreamer's, on a port of its own: `tests/video-servers/rtsp_server.py`. Disposing kills it.</summary>
internal sealed class RtspCamera : IAsyncDisposable
{
    public const string Missing = "GStreamer's RTSP server is not installed: scripts/prerequisites.sh test";

    private static readonly string Script = Path.Combine(TestData.RepositoryRoot, "tests", "video-servers", "rtsp_server.py");

    private readonly Process _process;

    private RtspCamera(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public static bool IsInstalled { get; } = CanImport();

    public int Port { get; }

    public string Address => AddressWith("");

    /// <param name="arguments">As the script takes them.</param>
    public static async Task<RtspCamera> StartAsync(params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Script, .. arguments]) { RedirectStandardOutput = true })!;
        var line = await process.StandardOutput.ReadLineAsync(Patience.Token());
        if (line?.Split(' ') is ["port", var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return new RtspCamera(process, port);
        }

        process.Kill();
        process.Dispose();
        throw new InvalidOperationException($"The RTSP server did not start: {line}");
    }

    public string AddressWith(string credentials) => $"rtsp://{credentials}127.0.0.1:{Port}/cam";

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private static bool CanImport()
    {
        try
        {
            SystemTool.Run(
                "/usr/bin/python3", "-c", "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; Gst.init(None); "
                + "assert all(Gst.ElementFactory.find(name) for name in ('x264enc', 'rtph264pay', 'videotestsrc', 'qtdemux', 'h264parse'))");
            return true;
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }
}
