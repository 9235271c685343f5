namespace LoupeGrpc.Quality;

/// <summary>How far scores are from probabilities, both classes weighing the same, as a fit of a sample of any mixture has to be judged.</summary>
/// <param name="LogLoss">Mean negative log likelihood in nats.</param>
/// <param name="ExpectedError"><see cref="Reliability.ExpectedError"/>, with balanced classes.</param>
internal readonly record struct CalibrationErrors(double LogLoss, double ExpectedError)
{
    /// <summary>Parts that are left out in turn.</summary>
    private const int Folds = 5;

    /// <param name="pictures">With logits of scores.</param>
    /// <returns>Null without a picture of each class.</returns>
    public static CalibrationErrors? Of(IReadOnlyCollection<JudgedLogit> pictures)
    {
        var forged = pictures.Where(static picture => picture.IsForged).ToList();
        var authentic = pictures.Where(static picture => !picture.IsForged).ToList();
        if (forged.Count == 0 || authentic.Count == 0)
        {
            return null;
        }

        var loss = (forged.Average(static picture => Logits.Softplus(-picture.Logit)) + authentic.Average(static picture => Logits.Softplus(picture.Logit))) / 2;
        var judged = pictures.Select(static picture => new JudgedPicture(picture.IsForged, Logits.Sigmoid(picture.Logit))).ToList();
        return new CalibrationErrors(loss, Reliability.Of(judged, balanced: true)!.ExpectedError);
    }

    /// <summary>
    /// The same pictures with the logits of scores that a calibration gives them which was fitted without them: five parts of each class and path in turn. A rate that a part
    /// less is too few for is raised to what it supports; only the map is judged, which hardly depends on it.
    /// </summary>
    /// <param name="pictures">In an order that has nothing to do with their logits.</param>
    /// <param name="fit">Of all of them.</param>
    /// <returns>Null where the rest is too few for what all were enough for.</returns>
    public static IReadOnlyList<JudgedLogit>? HeldOut(IReadOnlyList<JudgedLogit> pictures, Calibration fit, CalibrationGoal goal, bool hasTiles)
    {
        List<(JudgedLogit Picture, int Part)> parts =
        [
            .. pictures.GroupBy(static picture => (picture.IsForged, picture.IsTiled)).SelectMany(static kind => kind.Select(static (picture, index) => (picture, index % Folds))),
        ];
        var smallest = pictures.Where(static picture => !picture.IsForged).GroupBy(static picture => picture.IsTiled)
            .Where(path => goal.FalseAlarms.Allowed(path.Count()) is not null).Min(static path => path.Count() * (Folds - 1) / Folds);
        var within = goal with { FalseAlarms = new RatePromise(Math.Max(goal.FalseAlarms.Rate, 1.0 / (smallest + 1)), Confidence: null) };
        List<JudgedLogit> judged = [];
        for (var part = 0; part < Folds; part++)
        {
            var rest = Calibration.Of([.. parts.Where(other => other.Part != part).Select(static other => other.Picture)], within, hasTiles);
            if (rest is null || rest.Gaps.Except(fit.Gaps).Any(static gap => gap != CalibrationGap.TooFewForLow))
            {
                return null;
            }

            judged.AddRange(parts.Where(own => own.Part == part).Select(own => own.Picture with { Logit = rest.Map.Of(own.Picture) }));
        }

        return judged;
    }
}
