namespace LoupeGrpc.Server.Hosting;

/// <summary>Tells from regular samples of an amount when a burst of it has passed.</summary>
/// <param name="least">What the amount must have reached.</param>
/// <param name="quiet">Samples in a row that must be under a quarter of the most.</param>
internal sealed class BurstWatch(long least, int quiet)
{
    private long _most;
    private int _low;

    /// <returns>True once for each burst.</returns>
    public bool IsOver(long sample)
    {
        _most = Math.Max(_most, sample);
        _low = sample <= _most / 4 ? _low + 1 : 0;
        if (_most < least || _low < quiet)
        {
            return false;
        }

        (_most, _low) = (0, 0);
        return true;
    }
}
