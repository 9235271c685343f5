using System.Text.Json;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Contract;

/// <summary>What became of pictures, in the words in which the client's tool prints it.</summary>
internal static class PictureLines
{
    /// <param name="path">The name it was sent with; null: it has none.</param>
    /// <param name="number">Its place in the request, from 0.</param>
    public static OutcomeLine ToLine(this FrameEnd end, string? path, ulong number)
    {
        var line = new OutcomeLine { Path = path, FrameId = number, Outcome = string.Empty };
        return end switch
        {
            FrameEnd.Analysed analysed => line.WithResult(analysed.ToMessage()) with { Receipt = analysed.Receipt.IsEmpty ? null : JsonElement.Parse(analysed.Receipt.Span) },
            FrameEnd.Failed { Failure: var failure } => line.WithFailure(WireName.Of(FailureMapping.CodeOf(failure.Kind)), failure.Message),
            _ => throw new ArgumentOutOfRangeException(nameof(end), end, "A single picture is neither dropped nor expired."),
        };
    }
}
