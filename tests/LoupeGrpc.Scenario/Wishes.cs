using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Client;
using LoupeGrpc.V1;
using Enum = System.Enum;

namespace LoupeGrpc.Scenario;

/// <summary>Reads what the script asks for.</summary>
/// <param name="root">Folder that the script's files are relative to.</param>
internal sealed class Wishes(string root)
{
    public static LoupeSessionOptions Session(JsonElement open, ReadOnlyMemory<byte> snapshot) => new()
    {
        Name = open.TryGetProperty("name", out var name) ? name.GetString()! : "",
        FrameFormat = open.TryGetProperty("format", out var format) ? Format(format) : null,
        Delivery = open.TryGetProperty("delivery", out var delivery) ? new DeliveryPolicy
        {
            Mode = Parse<DeliveryMode>(delivery.GetProperty("mode")),
            StalenessBudget = delivery.TryGetProperty("staleness_us", out var budget) ? Microseconds(budget).ToDuration() : null,
        } : null,
        Mask = open.TryGetProperty("mask", out var mask) ? Mask(mask) : null,
        Thresholds = open.TryGetProperty("thresholds", out var thresholds) ? Thresholds(thresholds) : null,
        Adaptation = open.TryGetProperty("adaptation", out var adaptation) ? Adaptation(adaptation) : null,
        AdaptationSnapshot = open.TryGetProperty("snapshot", out var restore) && restore.GetBoolean() ? snapshot : default,
        Deterministic = open.TryGetProperty("deterministic", out var deterministic) && deterministic.GetBoolean(),
    };

    public LoupeFrame Frame(JsonElement send)
    {
        LoupeFrame frame = send.TryGetProperty("raw", out var raw)
            ? new RawFrame(Pattern(raw.GetProperty("bytes").GetInt32()), raw.TryGetProperty("format", out _) ? Format(raw) : null)
            : new EncodedFrame(Bytes(send));
        return frame with
        {
            FrameId = send.TryGetProperty("id", out var id) ? ulong.Parse(id.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : 0,
            Deadline = send.TryGetProperty("deadline_us", out var deadline) ? Microseconds(deadline) : null,
        };
    }

    public static Thresholds Thresholds(JsonElement thresholds)
    {
        var wanted = new Thresholds();
        if (thresholds.TryGetProperty("low", out var low))
        {
            wanted.Low = low.GetSingle();
        }
        else
        {
            wanted.DefaultLow = true;
        }

        if (thresholds.TryGetProperty("high", out var high))
        {
            wanted.High = high.GetSingle();
        }

        return wanted;
    }

    public static MaskSettings Mask(JsonElement mask) => new() { Policy = Parse<MaskPolicy>(mask) };

    public static AdaptationSettings Adaptation(JsonElement adaptation) => new()
    {
        Enabled = true,
        MinConfidence = adaptation.TryGetProperty("min_confidence", out var confidence) ? confidence.GetSingle() : 0,
        StepsPerFrame = adaptation.TryGetProperty("steps_per_frame", out var steps) ? steps.GetUInt32() : 0,
    };

    private static FrameFormat Format(JsonElement format)
    {
        var wanted = new FrameFormat
        {
            PixelFormat = Parse<PixelFormat>(format.GetProperty("format")),
            Width = format.GetProperty("width").GetUInt32(),
            Height = format.GetProperty("height").GetUInt32(),
        };
        if (format.TryGetProperty("strides", out var strides))
        {
            wanted.Strides.AddRange(strides.EnumerateArray().Select(static stride => stride.GetUInt32()));
        }

        return wanted;
    }

    private byte[] Bytes(JsonElement send)
    {
        var bytes = send.TryGetProperty("text", out var text)
            ? Encoding.UTF8.GetBytes(text.GetString()!)
            : send.TryGetProperty("zeros", out var zeros) ? new byte[zeros.GetInt32()] : File.ReadAllBytes(Path.Combine(root, send.GetProperty("file").GetString()!));
        return send.TryGetProperty("first", out var first) ? bytes[..first.GetInt32()] : bytes;
    }

    private static byte[] Pattern(int count) => [.. Enumerable.Range(0, count).Select(static i => (byte)((i * 31) + (i / 97 * 17)))];

    private static TimeSpan Microseconds(JsonElement value) => TimeSpan.FromMicroseconds(value.GetInt32());

    private static T Parse<T>(JsonElement name)
        where T : struct, Enum => Enum.GetValues<T>().Single(value => Line.Name(value) == name.GetString());
}
