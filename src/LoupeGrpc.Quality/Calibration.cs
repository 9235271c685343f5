namespace LoupeGrpc.Quality;

/// <summary>What is wanted of a calibration, and what it begins with.</summary>
/// <param name="FalseAlarms">On authentic pictures; the same is aimed at for misses of forged ones.</param>
/// <param name="Before">The map in force; what cannot be fitted stays as it has it.</param>
/// <param name="Low">The lower threshold in force, as a probability.</param>
/// <param name="High">The upper one.</param>
internal sealed record CalibrationGoal(RatePromise FalseAlarms, LogitMap Before, double Low, double High);

/// <summary>Something that was not fitted, and stays as it was.</summary>
internal enum CalibrationGap
{
    /// <summary>Temperature and bias: there are fewer than <see cref="Calibration.FewestToFit"/> of a class.</summary>
    TooFewToFit,

    /// <summary>Temperature and bias: all pictures have the same logit, or nearly.</summary>
    NothingToFit,

    /// <summary>Temperature and bias: forged pictures have no higher logits than authentic ones.</summary>
    WrongOrder,

    /// <summary>The distance of the lower threshold: there are too few forged pictures for the rate.</summary>
    TooFewForLow,

    /// <summary>Whole pictures: none or too few of them are authentic; thresholds are those for pictures in tiles.</summary>
    WholeUnsupported,

    /// <summary>The bias of tiles: none or too few of the pictures in tiles are authentic.</summary>
    TilesUnsupported,
}

/// <summary>
/// A map from logits to scores, and two thresholds, from pictures of which the truth is known. Temperature and bias by <see cref="LogisticFit"/>, where there are
/// enough pictures of both classes on one path; the upper threshold by <see cref="RatePromise"/>; the bias of tiles so that the same holds for them at the same
/// threshold; the lower threshold likewise from forged pictures, and never above the upper one.
/// </summary>
internal sealed record Calibration
{
    /// <summary>Of each class: two parameters from fewer are chance.</summary>
    public const int FewestToFit = 10;

    /// <summary>Below it logits tell nothing apart.</summary>
    private const double SmallestSlope = 1e-2;

    /// <summary>Above it they are so near to each other that rounding decides.</summary>
    private const double LargestSlope = 1e2;

    public required LogitMap Map { get; init; }

    /// <summary>The lower threshold, as a logit of <see cref="Map"/>.</summary>
    public required double Low { get; init; }

    /// <summary>The upper one.</summary>
    public required double High { get; init; }

    public required IReadOnlyList<CalibrationGap> Gaps { get; init; }

    /// <param name="hasTiles">The model looks at large pictures in tiles.</param>
    /// <returns>Null: nothing can be promised, since neither path has <see cref="RatePromise.Needed"/> authentic pictures.</returns>
    /// <exception cref="ArgumentException">A logit is not finite.</exception>
    public static Calibration? Of(IReadOnlyCollection<JudgedLogit> pictures, CalibrationGoal goal, bool hasTiles)
    {
        Logits.Check(pictures);
        List<CalibrationGap> gaps = [];
        var (whole, tiled) = (Path(pictures, isTiled: false), Path(pictures, isTiled: true));
        var map = Fit(whole, tiled, goal.Before, gaps);
        var (wholeAllowed, tiledAllowed) = (goal.FalseAlarms.Allowed(whole.Authentic.Length), goal.FalseAlarms.Allowed(tiled.Authentic.Length));
        double high;
        if (wholeAllowed is { } allowed)
        {
            high = map.Of(LogitThreshold.Above(whole.Authentic, allowed), isTiled: false);
            if (tiledAllowed is { } aligned)
            {
                // So that the threshold of whole pictures is also the one that the rate asks for here.
                map = map with { TileBias = LogitThreshold.Above(tiled.Authentic, aligned) - (map.Temperature * (high - map.Bias)) };
            }
            else if (hasTiles)
            {
                gaps.Add(CalibrationGap.TilesUnsupported);
            }
        }
        else if (tiledAllowed is { } alone)
        {
            high = map.Of(LogitThreshold.Above(tiled.Authentic, alone), isTiled: true);
            gaps.Add(CalibrationGap.WholeUnsupported);
        }
        else
        {
            return null;
        }

        // Of the path that gave the upper one.
        var forged = wholeAllowed is null ? tiled : whole;
        return new Calibration { Map = map, High = high, Low = LowOf(forged, wholeAllowed is null, map, high, goal, gaps), Gaps = gaps };
    }

    private static double LowOf(PathLogits path, bool isTiled, LogitMap map, double high, CalibrationGoal goal, List<CalibrationGap> gaps)
    {
        if (goal.FalseAlarms.Allowed(path.Forged.Length) is { } misses)
        {
            return Math.Min(map.Of(LogitThreshold.Below(path.Forged, misses), isTiled), high);
        }

        gaps.Add(CalibrationGap.TooFewForLow);
        return high - (Logits.Of(goal.High) - Logits.Of(goal.Low));
    }

    private static LogitMap Fit(PathLogits whole, PathLogits tiled, LogitMap before, List<CalibrationGap> gaps)
    {
        var path = whole.CanBeFitted ? whole : tiled.CanBeFitted ? tiled : null;
        if (path is null)
        {
            gaps.Add(CalibrationGap.TooFewToFit);
            return before;
        }

        var isTiled = path == tiled;
        if (LogisticFit.Of([.. path.Judged(isTiled)]) is not { Slope: <= LargestSlope } fit)
        {
            gaps.Add(CalibrationGap.NothingToFit);
            return before;
        }

        if (fit.Slope < SmallestSlope)
        {
            gaps.Add(CalibrationGap.WrongOrder);
            return before;
        }

        // Logits of tiles lose their bias first, which the offset was fitted without.
        return new LogitMap(1 / fit.Slope, fit.Offset + (isTiled ? fit.Slope * before.TileBias : 0), before.TileBias);
    }

    private static PathLogits Path(IReadOnlyCollection<JudgedLogit> pictures, bool isTiled)
    {
        var path = pictures.Where(picture => picture.IsTiled == isTiled).ToLookup(static picture => picture.IsForged, static picture => picture.Logit);
        return new PathLogits([.. path[false]], [.. path[true]]);
    }

    private sealed record PathLogits(double[] Authentic, double[] Forged)
    {
        public bool CanBeFitted => Authentic.Length >= FewestToFit && Forged.Length >= FewestToFit;

        public IEnumerable<JudgedLogit> Judged(bool isTiled) =>
            Authentic.Select(logit => new JudgedLogit(false, isTiled, logit)).Concat(Forged.Select(logit => new JudgedLogit(true, isTiled, logit)));
    }
}
