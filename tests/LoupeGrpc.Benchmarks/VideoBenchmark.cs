using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>video</c>: what reading a video costs the client, beside ffmpeg, which decodes it in a process of its own.</summary>
internal static class VideoBenchmark
{
    private static readonly Option<int> Frames = new("--frames")
    {
        HelpName = "N",
        Description = "Frames of a test picture of 1920x1080.",
        DefaultValueFactory = static _ => 600,
    };

    public static Command Create()
    {
        var command = new Command("video", "The client's reader of videos: frames a second, and its own share of a core.") { Frames };
        command.SetAction(static async (result, cancellationToken) =>
        {
            int frames = result.GetValue(Frames);
            var folder = Directory.CreateTempSubdirectory("loupe-benchmark-");
            try
            {
                string file = Path.Combine(folder.FullName, "video.mp4");
                SystemTool.MakeVideo(
                    file, "s=1920x1080:r=200", "-frames:v", frames.ToString(CultureInfo.InvariantCulture), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p");
                await MeasureAsync(file, result.InvocationConfiguration.Output, cancellationToken);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static async Task MeasureAsync(string file, TextWriter output, CancellationToken cancellationToken)
    {
        var sampling = new SamplingOptions(PerSecond: null, MaxFrames: long.MaxValue, TimeProvider.System);
        await using var video = await new StreamSourceFactory(sampling, VideoOptions.Default, keepFrames: false, static _ => { })
            .OpenAsync(SourceAddress.Parse(file), cancellationToken);
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        long allocated = GC.GetTotalAllocatedBytes();
        long started = Stopwatch.GetTimestamp();
        int read = 0;
        await foreach (var item in video.ReadAsync(cancellationToken))
        {
            read += item is PixelItem ? 1 : 0;
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{read} frames of 1920x1080 in {elapsed.TotalSeconds:F2} s, ffmpeg beside: {read / elapsed.TotalSeconds:F0} a second on {Environment.ProcessorCount} cores."));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"The reader alone: {cpu.TotalMilliseconds / read:F2} ms of a core a frame, {read / cpu.TotalSeconds:F0} frames a second on one; {(GC.GetTotalAllocatedBytes() - allocated) / read / 1024.0:F1} KiB allocated a frame."));
    }
}
