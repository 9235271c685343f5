using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Receipts;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Verifying;

/// <summary>
/// Has a server analyse pictures again as receipts say they were, and compares. A picture of a session that adapted is repeated with all that came before it in the
/// session, each with its own picture.
/// </summary>
internal sealed class Repetition(LoupeClient client, IReadOnlyList<ServedModel> models)
{
    /// <summary>Of scores, between providers and versions of ONNX Runtime in full precision; docs/receipts.md says where it is from.</summary>
    private const double Fp32Tolerance = 1e-4;

    /// <summary>Of scores where one side computes in less than full precision.</summary>
    private const double ReducedTolerance = 5e-3;

    /// <summary>By how much of the picture masks may differ in area where they are not the same.</summary>
    private const double AreaTolerance = 0.01;

    /// <summary>Those that have a picture; the others are left as they are.</summary>
    public async Task RunAsync(IReadOnlyList<CheckedReceipt> receipts, CancellationToken cancellationToken)
    {
        foreach (var single in receipts.Where(static one => one.IsGood && one.Picture is not null && one.Receipt!.Statement.Predicate.Adaptation is null))
        {
            await RepeatAsync(single, cancellationToken);
        }

        var sessions = receipts.Where(static one => one.IsGood && one.Receipt!.Statement.Predicate.Adaptation is not null)
            .GroupBy(static one => one.Receipt!.Link.Id, StringComparer.Ordinal)
            .Where(static session => session.Any(static one => one.Picture is not null));
        foreach (var session in sessions)
        {
            await ReplayAsync([.. session.OrderBy(static one => one.Receipt!.Link.Index)], cancellationToken);
        }
    }

    private async Task RepeatAsync(CheckedReceipt one, CancellationToken cancellationToken)
    {
        var predicate = one.Receipt!.Statement.Predicate;
        if (ModelFor(predicate, out var problem) is not { } model)
        {
            one.Add(CheckResult.Unchecked, problem!);
            return;
        }

        if (predicate.Settings!.TileBudgetMs > 0)
        {
            one.Add(CheckResult.Unchecked, "not repeated: how many tiles were analysed depended on how much time there was (budget_ms)");
            return;
        }

        if (predicate.Result!.Tiles?.Window is not null)
        {
            one.Add(CheckResult.Unchecked, "not repeated: its score is that of tiles of several frames (tiles_per_frame), which one picture alone does not give");
            return;
        }

        try
        {
            var answer = await client.AnalyzeImageAsync(
                await LoadAsync(one.Picture!, cancellationToken),
                new LoupeImageOptions { Model = model, Thresholds = ThresholdsOf(predicate), Mask = MaskOf(predicate), Tiles = TilesOf(predicate) },
                cancellationToken);
            Compare(one, answer.Result, predicate.Model!.Sha256 == answer.Model?.Hash);
        }
        catch (LoupeRequestException error)
        {
            one.Add(CheckResult.Unchecked, $"not repeated: the server answered {WireName.Of(error.Code)}: {error.Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            one.Add(CheckResult.Unchecked, $"not repeated: {one.Picture} cannot be read: {error.Message}");
        }
    }

    /// <param name="session">Its receipts of results, in their order.</param>
    private async Task ReplayAsync(IReadOnlyList<CheckedReceipt> session, CancellationToken cancellationToken)
    {
        var last = session.Select(static (one, index) => (one, index)).Last(static place => place.one.Picture is not null).index;
        var wanted = session.Take(last + 1).ToList();
        var first = wanted[0].Receipt!.Statement.Predicate;
        if (ProblemOf(wanted, out var model) is { } problem)
        {
            wanted.ForEach(one => one.Add(CheckResult.Unchecked, $"not repeated: {problem}"));
            return;
        }

        var options = new LoupeSessionOptions
        {
            Name = "verify",
            Model = model!,
            Thresholds = ThresholdsOf(first),
            Mask = MaskOf(first),
            Deterministic = first.Execution!.Deterministic,
            Adaptation = LearningOf(first.Adaptation!.Settings),
        };
        var next = 0;
        try
        {
            await foreach (var outcome in client.AnalyzeAsync(LoadAllAsync(wanted, cancellationToken), options, cancellationToken))
            {
                var one = wanted[next++];
                if (outcome is not LoupeResult { Result: var result })
                {
                    one.Add(CheckResult.Unchecked, $"not repeated: {(outcome as LoupeFailed)?.Message ?? "the server has no result"}");
                    Leave(next, "the frame before it has no result");
                    return;
                }

                var (was, now) = (one.Receipt!.Statement.Predicate.Adaptation!, result.Adaptation);
                if (now is null || was.Step != (long)now.Step || was.Frozen != now.Frozen)
                {
                    one.Add(CheckResult.Unchecked, string.Create(
                        CultureInfo.InvariantCulture,
                        $"not repeated: the session had taken {was.Step} steps{(was.Frozen ? " and was frozen" : "")}, the repetition {now?.Step ?? 0}{(now?.Frozen == true ? " and is frozen" : "")}: it began from a snapshot, or a control changed it"));
                    Leave(next, "so with the frame before it");
                    return;
                }

                Compare(one, result, isSameModel: true);
            }
        }
        catch (LoupeException error)
        {
            Leave(next, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Leave(next, $"a picture cannot be read: {error.Message}");
        }

        void Leave(int from, string why)
        {
            foreach (var one in wanted.Skip(from))
            {
                one.Add(CheckResult.Unchecked, $"not repeated: {why}");
            }
        }
    }

    /// <returns>Why a session cannot be repeated; null: it can.</returns>
    private string? ProblemOf(List<CheckedReceipt> session, out string? model)
    {
        var first = session[0].Receipt!;
        model = ModelFor(first.Statement.Predicate, out var problem);
        return problem is not null ? problem["not repeated: ".Length..]
            : first.Link.Index != 0 || first.Link.Follows is not null ? "what its session learnt from before is not among the receipts"
            : session.FirstOrDefault(static one => one.Picture is null) is { } missing
                ? $"its session adapts, and what it had learnt needs the picture of each frame before: give that of {missing.File}:{missing.Line} too (--picture)"
            : session.Any(one => !Alike(one.Receipt!.Statement.Predicate, first.Statement.Predicate)) ? "a control changed the session's settings on the way"
            : session.Any(static one => one.Receipt!.Statement.Predicate.Result!.Economies.Contains("NO_ADAPTATION_STEP")) ? "its session left steps out while it lost frames"
            : null;
    }

    private static bool Alike(ReceiptPredicate one, ReceiptPredicate other) =>
        one.Settings == other.Settings && one.Adaptation!.Settings == other.Adaptation!.Settings && one.Model == other.Model;

    private static void Compare(CheckedReceipt one, FrameResult result, bool isSameModel)
    {
        var predicate = one.Receipt!.Statement.Predicate;
        var (was, picture) = (predicate.Result!, predicate.Picture!);
        if (!isSameModel)
        {
            one.Add(CheckResult.Unchecked, "not repeated: the server's model was replaced meanwhile");
            return;
        }

        List<string> differences = [];
        var isFar = false;
        Note(was.Verdict != WireName.Of(result.Verdict), far: true, $"the verdict was {was.Verdict} and is {WireName.Of(result.Verdict)}");
        Note(picture.Width != result.Width || picture.Height != result.Height, far: true, $"the picture had {picture.Width}x{picture.Height} pixels and has {result.Width}x{result.Height}");
        var tolerance = predicate.Execution!.Precision == "fp32" && result.Execution?.Precision == "fp32" ? Fp32Tolerance : ReducedTolerance;
        Note(!was.Score.Equals(result.Score), Math.Abs((double)was.Score - result.Score) > tolerance, $"the score was {was.Score} and is {result.Score}");
        if (was.Mask is { } mask && result.Mask?.Rle is { } rle)
        {
            var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(rle.Counts)));
            var off = Math.Abs((double)mask.Area - result.Mask.Area) / Math.Max(1.0, (double)picture.Width * picture.Height);
            Note(mask.Sha256 != digest, off > AreaTolerance, $"the mask is another: it had {mask.Area} pixels and has {result.Mask.Area}");
        }
        else if (was.Mask is not null && result.MaskOmission != MaskOmission.Budget)
        {
            Note(true, far: true, $"there was a mask and is none");
        }
        else if (was.Mask is null && result.Mask is not null && !was.Economies.Contains("NO_MASK"))
        {
            Note(true, far: true, $"there was no mask and is one");
        }

        if (predicate.Adaptation is { } state && result.Adaptation is { } now)
        {
            Note(state.Sha256 != Convert.ToHexStringLower(now.Hash.Span), far: false, $"the adapted parameters are not the same to the last bit");
        }

        var by = $"{result.Execution?.Provider} {result.Execution?.Precision}";
        one.Add(
            isFar ? CheckResult.Differs : CheckResult.Holds,
            differences.Count == 0 ? "repeated, equal"
                : isFar ? $"repeated on {by}, and it differs: {string.Join("; ", differences)}"
                : $"repeated on {by}, equal within the tolerance: {string.Join("; ", differences)}");

        void Note(bool differs, bool far, FormattableString what)
        {
            if (differs)
            {
                differences.Add(what.ToString(CultureInfo.InvariantCulture));
                isFar |= far;
            }
        }
    }

    private string? ModelFor(ReceiptPredicate predicate, out string? problem)
    {
        var model = predicate.Model!;
        var served = models.FirstOrDefault(served => served.Model?.Hash == model.Sha256 && !served.Leaving);
        problem = served is not null
            ? null
            : $"not repeated: the server has no model {model.Name} {model.Version} with the hash {model.Sha256[..8]}…, but {string.Join(", ", models.Select(static served => $"{served.Model?.Name} {served.Model?.Hash[..Math.Min(8, served.Model.Hash.Length)]}…"))}";
        return served?.Name;
    }

    private static async IAsyncEnumerable<LoupeFrame> LoadAllAsync(
        IReadOnlyList<CheckedReceipt> session, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var one in session)
        {
            yield return await LoadAsync(one.Picture!, cancellationToken);
        }
    }

    private static async Task<EncodedFrame> LoadAsync(string file, CancellationToken cancellationToken) => new(await File.ReadAllBytesAsync(file, cancellationToken));

    private static Thresholds ThresholdsOf(ReceiptPredicate predicate) => new() { Low = predicate.Settings!.Low, High = predicate.Settings.High };

    private static MaskSettings MaskOf(ReceiptPredicate predicate) =>
        new() { Policy = WireName.Parse<MaskPolicy>(predicate.Settings!.MaskPolicy), Encoding = MaskEncoding.Rle };

    private static TileSettings TilesOf(ReceiptPredicate predicate) =>
        new() { Policy = WireName.Parse<TilePolicy>(predicate.Settings!.TilePolicy), MaxTiles = (uint)predicate.Settings.MaxTiles };

    /// <summary>On the wire 0 is a default, and a negative bound none.</summary>
    private static AdaptationSettings LearningOf(ReceiptLearning learning) => new()
    {
        Enabled = true,
        LearningRate = learning.LearningRate,
        StepsPerFrame = (uint)learning.StepsPerFrame,
        MinConfidence = learning.MinConfidence == 0 ? -1 : learning.MinConfidence,
        EveryNth = (uint)learning.EveryNth,
        DualVerdictEveryNth = (uint)learning.DualVerdictEveryNth,
        Guard = learning.Guard is { } guard
            ? new AdaptationGuard
            {
                MaxDrift = Bound(guard.MaxDrift),
                MaxDisagreement = Bound(guard.MaxDisagreement),
                MaxLossRatio = Bound(guard.MaxLossRatio),
                Action = guard.Action == "FREEZE" ? GuardAction.Freeze : GuardAction.Rollback,
                MaxSameLabel = guard.MaxSameLabel,
                CompareEveryNth = (uint)guard.CompareEveryNth,
            }
            : new AdaptationGuard { MaxDrift = -1, MaxDisagreement = -1, MaxLossRatio = -1, MaxSameLabel = -1 },
    };

    private static float Bound(float? bound) => bound ?? -1;
}
