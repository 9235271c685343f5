using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Quality;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Calibration;

/// <summary>Has files analysed as the server would have them: decoded, whole or in tiles by their size. Each alone in its run, so that the same files give the same numbers again.</summary>
/// <param name="analysed">Told how many files are done, of how many; from any thread, one at a time.</param>
internal sealed class PictureAnalysis(IAnalysisLane lane, LoupeOptions options, Action<int, int> analysed)
{
    private const int FilesAtATime = 8;

    private static readonly AnalysisRequest Request = new() { MaskPolicy = MaskPolicy.Never, Tiles = new TileRequest(TilePolicy.Auto), Deterministic = true };

    private readonly Lock _lock = new();

    /// <param name="files">With whether they are forged.</param>
    /// <exception cref="CalibrationException">The model fails, or a picture is in both folders.</exception>
    /// <exception cref="OperationCanceledException"/>
    public async Task<CalibrationSample> RunAsync(IReadOnlyList<(string Path, bool IsForged)> files, CancellationToken cancellationToken)
    {
        var pictures = new CalibrationPicture?[files.Count];
        var leftOut = new LeftOutFile?[files.Count];
        var done = 0;
        await Parallel.ForAsync(
            0,
            files.Count,
            new ParallelOptions { MaxDegreeOfParallelism = FilesAtATime, CancellationToken = cancellationToken },
            async (index, cancellation) =>
            {
                (pictures[index], leftOut[index]) = await AnalyzeAsync(files[index].Path, files[index].IsForged, cancellation).ConfigureAwait(false);
                lock (_lock)
                {
                    analysed(++done, files.Count);
                }
            }).ConfigureAwait(false);
        return CalibrationSample.Of(pictures.OfType<CalibrationPicture>(), [.. leftOut.OfType<LeftOutFile>()]);
    }

    private async Task<(CalibrationPicture? Picture, LeftOutFile? LeftOut)> AnalyzeAsync(string path, bool isForged, CancellationToken cancellationToken)
    {
        byte[] bytes;
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
            // Not read only to be refused.
            if (file.Length > options.Limits.MaxFrameBytes)
            {
                return (null, new LeftOutFile(path, $"It has {file.Length} bytes, the limit is {options.Limits.MaxFrameBytes}: Loupe:Limits:MaxFrameBytes."));
            }

            bytes = new byte[file.Length];
            await file.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (null, new LeftOutFile(path, exception.Message));
        }

        var outcome = await lane.AnalyzeAsync(new EncodedInput(bytes), Request, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return outcome switch
        {
            { Failure: { Kind: FailureKind.Invalid or FailureKind.TooLarge or FailureKind.Unsupported } failure } => (null, new LeftOutFile(path, failure.Message)),
            { Failure: { } failure } => throw new CalibrationException($"{path} could not be analysed: {failure.Message}"),
            { Analysis: { } analysis } when analysis.Notes.Any(static note => note.Kind == ImageNoteKind.Damaged) =>
                (null, new LeftOutFile(path, "It is damaged: what a decoder guessed says nothing about pictures.")),
            { Analysis: { Logit: var logit } } when !double.IsFinite(logit) => throw new CalibrationException($"the model's score for {path} is not a finite number."),
            { Analysis: { } analysis } => (
                new CalibrationPicture(
                    path, Convert.ToHexStringLower(analysis.Sha256.Span), new JudgedLogit(isForged, analysis.Tiles is not null, analysis.Logit), analysis.Score),
                null),
            _ => throw new InvalidOperationException("There is neither an analysis nor a failure."),
        };
    }
}
