namespace LoupeGrpc.Server.Hosting;

/// <summary>Tells from regular samples when a process holds much more than callers make it hold.</summary>
/// <param name="least">Bytes by which it must have grown since it last settled.</param>
/// <param name="little">Bytes that callers may make it hold meanwhile.</param>
/// <param name="quiet">Samples in a row that must be so.</param>
internal sealed class GrowthWatch(long least, long little, int quiet)
{
    private long _settled = long.MaxValue;
    private int _grown;

    /// <param name="held">Bytes that callers make it hold.</param>
    /// <param name="resident">Bytes of the process. The first ones are what it settled at.</param>
    public bool HasGrown(long held, long resident)
    {
        _settled = Math.Min(_settled, resident);
        _grown = held <= little && resident - _settled >= least ? _grown + 1 : 0;
        return _grown >= quiet;
    }

    /// <summary>What could be given back is: what is left now is no growth.</summary>
    public void Settle(long resident) => (_settled, _grown) = (resident, 0);
}
