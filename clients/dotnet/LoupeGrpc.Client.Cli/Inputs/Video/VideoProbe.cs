using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Asks ffprobe what a container promises.</summary>
internal static class VideoProbe
{
    private const string Entries =
        "stream=codec_name,codec_tag_string,nb_frames,start_time,duration,avg_frame_rate,r_frame_rate:stream_tags=DURATION:format=format_name,start_time,duration,size";

    /// <returns>What it promises, or why it cannot be opened as a video.</returns>
    /// <exception cref="ProgramUnavailableException">ffprobe cannot be started.</exception>
    public static async Task<(VideoPromise? Promise, string? Failure)> RunAsync(
        VideoTools tools, VideoInput input, TimeSpan patience, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "-v", "repeat+level+error", .. input.Arguments, "-select_streams", "V:0", "-show_entries", Entries, "-of", "json=c=1", "-i", input.Address,
        ];
        try
        {
            var (output, error) = await ChildProgram.ReadToEndAsync(tools.Ffprobe, arguments, patience, cancellationToken);
            return Read(output) is { } promise
                ? (promise, null)
                : (null, error.Length > 0 ? input.Reason(error.Split('\n')) : "there is no video in it");
        }
        catch (TimeoutException)
        {
            return (null, VideoOptions.NothingCameFor(patience));
        }
    }

    /// <returns>Null where there is no video.</returns>
    internal static VideoPromise? Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (!document.RootElement.TryGetProperty("streams", out var streams) || streams.GetArrayLength() == 0)
            {
                return null;
            }

            var stream = streams[0];
            var format = document.RootElement.TryGetProperty("format", out var found) ? found : default;
            var start = (Number(stream, "start_time") ?? 0) - (Number(format, "start_time") ?? 0);
            var duration = Number(stream, "duration") ?? TaggedDuration(stream);
            var average = Rate(Text(stream, "avg_frame_rate"));
            return new VideoPromise
            {
                Codec = Text(stream, "codec_name"),
                CodecTag = Text(stream, "codec_tag_string"),
                Format = Text(format, "format_name"),
                Frames = Number(stream, "nb_frames") is > 0 and var frames ? (long)frames : null,
                End = duration is { } own ? start + own : Number(format, "duration"),
                FramesPerSecond = average ?? Rate(Text(stream, "r_frame_rate")),
                IsFinite = duration is not null || Number(format, "duration") is not null || Number(format, "size") is > 0,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static double? Number(JsonElement parent, string name) =>
        double.TryParse(Text(parent, name), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>`30000/1001`; `0/0` where it is not known.</summary>
    private static double? Rate(string? text) =>
        text?.Split('/') is [var frames, var seconds]
        && double.TryParse(frames, NumberStyles.None, CultureInfo.InvariantCulture, out var numerator) && numerator > 0
        && double.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var denominator) && denominator > 0
            ? numerator / denominator
            : null;

    /// <summary>What Matroska's writers leave: `00:00:04.000000000`.</summary>
    private static double? TaggedDuration(JsonElement stream) =>
        stream.TryGetProperty("tags", out var tags) && Text(tags, "DURATION")?.Split(':') is [var hours, var minutes, var seconds]
        && double.TryParse(hours, NumberStyles.None, CultureInfo.InvariantCulture, out var h)
        && double.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out var m)
        && double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var s)
            ? (3600 * h) + (60 * m) + s
            : null;
}
