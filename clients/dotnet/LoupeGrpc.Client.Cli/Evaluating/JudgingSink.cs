using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.Quality;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>Holds each answer of a run against the truth, as it comes.</summary>
/// <param name="cases">In the order of the run's items.</param>
/// <param name="isScaled">Pictures are sent in another size than the truth's.</param>
/// <param name="display">Told of each, and of what failed.</param>
/// <param name="tally">Counts them for the display.</param>
internal sealed class JudgingSink(IReadOnlyList<TruthCase> cases, bool isScaled, RunDisplay display, RunTally tally) : IOutcomeSink
{
    private readonly List<EvaluatedPicture> _pictures = [];
    private readonly List<EvaluationFailure> _failures = [];

    public JudgedSet Judged => new(_pictures, _failures);

    public void Write(OutcomeRow row)
    {
        var truth = cases[(int)row.FrameId];
        switch (row.Outcome)
        {
            case LoupeResult { Result: var result } when float.IsFinite(result.Score):
                _pictures.Add(new EvaluatedPicture(truth, result.Score, Compare(truth, result)) { Verdict = result.Verdict, Mask = () => ResultMask.Of(result) });
                break;
            case LoupeFailed failed:
                Fail(truth, failed.Message);
                break;
            default:
                Fail(truth, "the server gave no score");
                break;
        }

        tally.Write(row);
        display.Advance(tally, null);
    }

    private PixelCounts? Compare(TruthCase truth, FrameResult result)
    {
        if (!truth.IsForged || truth.Mask is null)
        {
            return null;
        }

        try
        {
            var found = ResultMask.Of(result) ?? throw new InvalidDataException($"the server sent no mask ({WireName.Of(result.MaskOmission)})");
            return TruthMask.Compare(TruthMask.Read(truth.Mask), found, isScaled);
        }
        catch (InvalidDataException error)
        {
            Fail(truth, error.Message);
            return null;
        }
    }

    private void Fail(TruthCase truth, string message)
    {
        var failure = new EvaluationFailure(PathText.Show(truth.Path), message);
        _failures.Add(failure);
        display.Notify($"warning: {failure.Path}: {message}");
    }
}
