using System.Globalization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>A frame that a stream should have and that was not analysed, or several of them. Its source tells people of it, once for a whole stretch.</summary>
internal sealed class LostFrame : SourceItem
{
    private LostFrame(long frames) => Frames = frames;

    public override long Frames { get; }

    private string Message { get; init; } = "";

    private LoupeFailureCode Code { get; init; } = LoupeFailureCode.Unreadable;

    /// <param name="path">As shown in results.</param>
    /// <param name="number">Its place in the stream, from 0.</param>
    /// <param name="seconds">Its time in the stream.</param>
    /// <param name="reason">What became of it, in words that may follow "frame 7".</param>
    /// <param name="code">Why it was not analysed.</param>
    public static LostFrame Of(string path, long number, double seconds, string reason, LoupeFailureCode code = LoupeFailureCode.Unreadable) =>
        new(1) { Path = path, Name = "", TimeSeconds = seconds, Code = code, Message = string.Create(CultureInfo.InvariantCulture, $"frame {number} {reason}") };

    /// <summary>The frames of a loss, one by one; of a long one the rest together.</summary>
    /// <param name="path">As shown in results.</param>
    /// <param name="loss">What was lost.</param>
    /// <param name="sampler">Leaves out those that would not have been taken.</param>
    public static IEnumerable<LostFrame> Of(string path, Loss loss, FrameSampler sampler)
    {
        const int OneByOne = 1000;
        for (long i = 0; i < Math.Min(loss.Count, OneByOne); i++)
        {
            var seconds = loss.TimeOf(i);
            if (sampler.Takes(seconds))
            {
                yield return Of(path, loss.FirstNumber + i, seconds, loss.Reason);
            }
        }

        if (loss.Count > OneByOne)
        {
            var rest = loss.Count - OneByOne;
            yield return new LostFrame(rest)
            {
                Path = path,
                Name = "",
                TimeSeconds = loss.TimeOf(OneByOne),
                Message = string.Create(
                    CultureInfo.InvariantCulture, $"frames {loss.FirstNumber + OneByOne} to {loss.FirstNumber + loss.Count - 1} ({rest} of them) are like frame {loss.FirstNumber}, which {loss.Reason}"),
            };
        }
    }

    public override ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new LoadedItem(null, new LoupeFailed { FrameId = frameId, Index = (long)frameId, Code = Code, Message = Message }));
}
