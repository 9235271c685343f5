using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Web;

/// <summary>The overlay of one picture.</summary>
/// <param name="maxMaskBytes">Encoded; it is decoded again and not sent.</param>
internal sealed class OverlayAnswer(PicturePainter painter, AnalysisSettings wanted, bool isDemonstration, int maxMaskBytes, CancellationToken cancellationToken) : IPictureAnswer
{
    private FrameEnd? _end;
    private OwnerQuota _quota = OwnerQuota.Unlimited;
    private RoomLease? _lease;

    public string ContentType => AnswerForms.Png;

    /// <exception cref="ProblemException">There was a picture already.</exception>
    public AnalysisSettings Settings => _end is null
        ? wanted with { Picture = true, MaxResponseBytes = maxMaskBytes }
        : throw new ProblemException(new Problem(
            StatusCodes.Status406NotAcceptable,
            "UNSUPPORTED",
            $"the form has several pictures, and an overlay ({AnswerForms.Png}) is of one: send one in a request, or accept {AnswerForms.Html} or {AnswerForms.Json}"));

    public bool TryReserve(OwnerQuota quota, FrameInput input, out FrameFailure? failure)
    {
        _quota = quota;
        return (_lease = painter.TryReserve(quota, input, PicturePainter.OverlayBytesPerPixel, out failure)) is not null;
    }

    public Task AddAsync(FrameEnd end, string? name)
    {
        _end = end;
        return Task.CompletedTask;
    }

    public async Task<ReadOnlyMemory<byte>> CompleteAsync()
    {
        var analysed = (FrameEnd.Analysed)_end!.OrProblem();
        if (analysed.Analysis.MaskOmission == MaskOmission.Budget)
        {
            // Without it the picture would look as if nothing were marked.
            throw new ProblemException(new Problem(
                StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", $"the mask takes more than {maxMaskBytes} bytes and cannot be painted: Loupe:Limits:MaxResponseBytes"));
        }

        if (analysed.Analysis.Picture.IsEmpty)
        {
            throw new ProblemException(new Problem(StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", "the picture is too large to be shown: Loupe:Limits:MaxPixels"));
        }

        var overlay = await painter.PaintAsync(() => analysed.ToOverlay(isDemonstration), cancellationToken).ConfigureAwait(false);

        // Its client may take its time: from now on it holds what it is sent, and the picture is let go.
        _end = null;
        Dispose();
        _lease = painter.TryKeep(_quota, overlay.Length, out var failure);
        return failure is null ? overlay : throw new ProblemException(Problem.Of(failure));
    }

    public void Dispose() => Interlocked.Exchange(ref _lease, null)?.Dispose();
}
