using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Scenario;

/// <summary>What the client takes: frames a second of one stream, and its own processor time for each.</summary>
internal static class Speed
{
    /// <param name="kind">`nv12`: raw pixels of 1920x1080; else a picture file.</param>
    public static async Task<JsonObject> MeasureAsync(Uri address, string kind, int count)
    {
        LoupeFrame frame = kind == "nv12"
            ? new RawFrame(new byte[1920 * 1080 * 3 / 2], new FrameFormat { PixelFormat = PixelFormat.Nv12, Width = 1920, Height = 1080 })
            : new EncodedFrame(await File.ReadAllBytesAsync(kind));
        using var client = await LoupeClient.ConnectAsync(new LoupeClientOptions { Address = address });
        var options = new LoupeSessionOptions { Mask = new MaskSettings { Policy = MaskPolicy.Never } };
        // The first frames pay for what is loaded once.
        await CountAsync(client, frame, options, 10);
        using var process = Process.GetCurrentProcess();
        var (started, before) = (TimeProvider.System.GetTimestamp(), process.TotalProcessorTime);
        await CountAsync(client, frame, options, count);
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        process.Refresh();
        return new JsonObject
        {
            ["frames_per_second"] = Math.Round(count / seconds, 1),
            ["cpu_ms_per_frame"] = Math.Round((process.TotalProcessorTime - before).TotalMilliseconds / count, 2),
        };
    }

    private static async Task CountAsync(LoupeClient client, LoupeFrame frame, LoupeSessionOptions options, int count)
    {
        var results = 0;
        await foreach (var outcome in client.AnalyzeAsync(Enumerable.Repeat(frame, count).ToAsyncEnumerable(), options))
        {
            results += outcome is LoupeResult ? 1 : throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"frame {outcome.Index}: {outcome}"));
        }

        if (results != count)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{results} of {count} frames have a result"));
        }
    }
}
