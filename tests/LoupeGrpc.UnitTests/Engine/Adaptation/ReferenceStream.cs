using System.Text;
using System.Text.Json;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>A stream of <c>tests/data/nano-tta</c>: frames, their truth, and what the reference answered.</summary>
/// <param name="BaseIou">Total IoU without adaptation.</param>
/// <param name="AdaptedIou">Total IoU with it.</param>
internal sealed record ReferenceStream(IReadOnlyList<ReferenceFrame> Frames, double BaseIou, double AdaptedIou)
{
    /// <summary>Pixels of a frame's side.</summary>
    public const int Side = 224;

    public static ReferenceStream Read(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(TestData.Golden("nano-tta", name, "expected.json")));
        var root = document.RootElement;
        return new ReferenceStream(
            [.. root.GetProperty("frames").EnumerateArray().Select(frame => ReadFrame(name, frame))],
            root.GetProperty("base").GetProperty("iou").GetDouble(),
            root.GetProperty("adapted").GetProperty("iou").GetDouble());
    }

    private static ReferenceFrame ReadFrame(string stream, JsonElement frame) => new(
        TestData.Golden("nano-tta", stream, frame.GetProperty("frame").GetString()!),
        frame.GetProperty("score").GetSingle(),
        Counts(frame, "truth"),
        Counts(frame, "base"),
        Counts(frame, "adapted"),
        frame.GetProperty("state_step").GetInt64(),
        frame.TryGetProperty("loss", out var loss) ? loss.GetSingle() : null,
        frame.GetProperty("drift_after").GetSingle());

    private static byte[] Counts(JsonElement frame, string name) => Encoding.ASCII.GetBytes(frame.GetProperty(name).GetString()!);
}

/// <param name="Truth">COCO counts, as the next two.</param>
/// <param name="StateStep">Of the state the frame was answered with.</param>
/// <param name="Loss">Null for a frame that did not adapt.</param>
internal sealed record ReferenceFrame(
    string Path, float Score, byte[] Truth, byte[] Base, byte[] Adapted, long StateStep, float? Loss, float DriftAfter);
