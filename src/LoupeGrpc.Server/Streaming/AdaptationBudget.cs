using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Streaming;

/// <summary>Bytes of all adaptation states together. Thread-safe.</summary>
internal sealed class AdaptationBudget(LoupeOptions options)
{
    private readonly Lock _lock = new();

    /// <summary>Bytes taken now.</summary>
    public long Used { get; private set; }

    public long Limit => options.Adaptation.MaxStateBytes;

    /// <summary>False where there is no room.</summary>
    public bool TryTake(long bytes)
    {
        lock (_lock)
        {
            if (bytes > Limit - Used)
            {
                return false;
            }

            Used += bytes;
            return true;
        }
    }

    public void Return(long bytes)
    {
        lock (_lock)
        {
            Used -= bytes;
        }
    }
}
