namespace LoupeGrpc.Quality;

/// <summary>
/// The slope and offset that make logits probabilities: maximum likelihood of both classes weighing the same, with the smoothed targets of Platt, so that even classes
/// that do not overlap have finite ones. Newton's method with step halving, as Lin, Lin and Weng have it, on standardised logits; the loss is convex.
/// </summary>
/// <param name="Slope">Of the logit; 1 / temperature where it is above 0.</param>
/// <param name="Offset">Added to it.</param>
internal readonly record struct LogisticFit(double Slope, double Offset)
{
    private const int MaxSteps = 100;
    private const double Converged = 1e-12;

    /// <returns>Null without a picture of each class, and where all have the same logit: nothing follows from them.</returns>
    /// <exception cref="ArgumentException">A logit is not finite.</exception>
    public static LogisticFit? Of(IReadOnlyCollection<JudgedLogit> pictures)
    {
        Logits.Check(pictures);
        var forged = pictures.Count(static picture => picture.IsForged);
        var authentic = pictures.Count - forged;
        if (forged == 0 || authentic == 0)
        {
            return null;
        }

        var mean = pictures.Average(static picture => picture.Logit);
        var deviation = Math.Sqrt(pictures.Average(picture => (picture.Logit - mean) * (picture.Logit - mean)));
        // What rounding leaves of none.
        if (deviation <= 1e-12 * Math.Max(1, Math.Abs(mean)))
        {
            return null;
        }

        Term[] terms =
        [
            .. pictures.Select(picture => new Term(
                (picture.Logit - mean) / deviation,
                picture.IsForged ? (forged + 1.0) / (forged + 2.0) : 1.0 / (authentic + 2.0),
                0.5 / (picture.IsForged ? forged : authentic))),
        ];
        var (slope, offset) = Minimise(terms);
        return new LogisticFit(slope / deviation, offset - (slope * mean / deviation));
    }

    private static (double Slope, double Offset) Minimise(Term[] terms)
    {
        var (slope, offset) = (0.0, 0.0);
        var loss = Loss(terms, slope, offset);
        for (var step = 0; step < MaxSteps; step++)
        {
            double gradient = 0, gradientOffset = 0, curve = 0, curveBoth = 0, curveOffset = 0;
            foreach (var term in terms)
            {
                var p = Logits.Sigmoid((slope * term.X) + offset);
                var (miss, spread) = (term.Weight * (p - term.Target), term.Weight * p * (1 - p));
                gradient += miss * term.X;
                gradientOffset += miss;
                curve += spread * term.X * term.X;
                curveBoth += spread * term.X;
                curveOffset += spread;
            }

            if (Math.Abs(gradient) < Converged && Math.Abs(gradientOffset) < Converged)
            {
                break;
            }

            // A little more than there is: it keeps the matrix invertible where all probabilities are near 0 and 1.
            curve += Converged;
            curveOffset += Converged;
            var determinant = (curve * curveOffset) - (curveBoth * curveBoth);
            var (toSlope, toOffset) = (
                ((curveOffset * gradient) - (curveBoth * gradientOffset)) / determinant, ((curve * gradientOffset) - (curveBoth * gradient)) / determinant);
            var (length, shorter) = (1.0, Loss(terms, slope - toSlope, offset - toOffset));
            while (!(shorter < loss) && length > Converged)
            {
                length /= 2;
                shorter = Loss(terms, slope - (length * toSlope), offset - (length * toOffset));
            }

            if (!(shorter < loss))
            {
                break;
            }

            (slope, offset, loss) = (slope - (length * toSlope), offset - (length * toOffset), shorter);
        }

        return (slope, offset);
    }

    private static double Loss(Term[] terms, double slope, double offset)
    {
        double sum = 0;
        foreach (var term in terms)
        {
            var logit = (slope * term.X) + offset;
            sum += term.Weight * (Logits.Softplus(logit) - (term.Target * logit));
        }

        return sum;
    }

    /// <param name="X">The logit, standardised.</param>
    /// <param name="Target">Probability that is aimed at.</param>
    private readonly record struct Term(double X, double Target, double Weight);
}
