using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>Sessions that adapt on the streams of <c>tests/data/nano-tta</c>.</summary>
internal static class AdaptingStream
{
    /// <summary>Opens a session that gets every mask and adapts as the server would have it.</summary>
    public static OpenSession Open(AdaptationSettings? settings = null) => new()
    {
        Mask = new MaskSettings { Policy = MaskPolicy.Always },
        Adaptation = settings ?? new AdaptationSettings { Enabled = true },
    };

    /// <summary>Each frame adapts, and nothing stops it.</summary>
    public static AdaptationSettings Unguarded() => new()
    {
        Enabled = true,
        MinConfidence = -1,
        Guard = new AdaptationGuard { MaxDrift = -1, MaxDisagreement = -1, MaxLossRatio = -1, MaxSameLabel = -1 },
    };

    /// <param name="stream"><c>scale</c> or <c>dark</c>.</param>
    /// <param name="number">The frame's, which is also its id.</param>
    public static AnalyzeRequest Frame(int number, string stream = "scale") => new()
    {
        Frame = new Frame
        {
            FrameId = (ulong)number,
            Encoded = new EncodedImage { Data = ByteString.CopyFrom(File.ReadAllBytes(TestData.Golden("nano-tta", stream, $"frame-{number:000}.png"))) },
        },
    };

    public static Task SendFrameAsync(RawSession session, int number, string stream = "scale") => session.SendAsync(Frame(number, stream));

    /// <summary>A response without what time leaves in it: two streams are the same where these bytes are.</summary>
    public static string Essence(AnalyzeResponse response)
    {
        var essence = response.Clone();
        if (essence.Outcome?.Result is { } result)
        {
            result.Timings = null;
        }

        return essence.ToByteString().ToBase64();
    }

    /// <summary>Sends frames all at once, half-closes, and takes the outcomes.</summary>
    public static async Task<List<AnalyzeResponse>> RunAsync(RawSession session, int frames, string stream = "scale")
    {
        for (int number = 0; number < frames; number++)
        {
            await SendFrameAsync(session, number, stream);
        }

        await session.CompleteAsync();
        return (await session.RestAsync())[..^1];
    }
}
