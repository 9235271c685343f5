namespace LoupeGrpc.Quality;

/// <summary>Pictures counted by their score's rank, the highest score first: all that curves need, and cheap to draw anew.</summary>
/// <param name="forged">Forged pictures of each rank.</param>
/// <param name="authentic">Authentic ones.</param>
internal readonly ref struct RankCounts(ReadOnlySpan<int> forged, ReadOnlySpan<int> authentic)
{
    private readonly ReadOnlySpan<int> _forged = forged;
    private readonly ReadOnlySpan<int> _authentic = authentic;

    /// <summary>How often a forged picture's score is above an authentic one's, ties half; null without a picture of each.</summary>
    public double? Auc()
    {
        double wins = 0;
        long above = 0, authentic = 0;
        for (var rank = 0; rank < _forged.Length; rank++)
        {
            wins += _authentic[rank] * (above + (_forged[rank] / 2.0));
            above += _forged[rank];
            authentic += _authentic[rank];
        }

        return above == 0 || authentic == 0 ? null : wins / above / authentic;
    }

    /// <summary>The largest share of forged pictures that a threshold finds with at most that share of false alarms; null without a picture of each.</summary>
    /// <param name="falseAlarms">Share of the authentic pictures, 0 to 1.</param>
    public double? RecallAt(double falseAlarms)
    {
        var (forged, authentic) = (Sum(_forged), Sum(_authentic));
        if (forged == 0 || authentic == 0)
        {
            return null;
        }

        long found = 0, alarms = 0, best = 0;
        for (var rank = 0; rank < _forged.Length; rank++)
        {
            found += _forged[rank];
            alarms += _authentic[rank];
            if (alarms > falseAlarms * authentic)
            {
                break;
            }

            best = found;
        }

        return (double)best / forged;
    }

    private static long Sum(ReadOnlySpan<int> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        return sum;
    }
}
