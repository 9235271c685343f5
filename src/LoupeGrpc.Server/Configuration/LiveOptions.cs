namespace LoupeGrpc.Server.Configuration;

/// <summary>The options as they are now: sections that say so may change while the server runs. Thread-safe.</summary>
internal sealed class LiveOptions(LoupeOptions options)
{
    private volatile LoupeOptions _current = options;

    /// <summary>One picture of all: who needs several settings takes it once.</summary>
    public LoupeOptions Current => _current;

    /// <summary>Takes over what may change. Which models are wanted is among it; whether they can serve is told by those who load them.</summary>
    /// <param name="read">Checked.</param>
    /// <returns>Names of the settings that were taken over, and of those that differ and hold from the next start only.</returns>
    public (IReadOnlyList<string> Taken, IReadOnlyList<string> Later) Replace(LoupeOptions read)
    {
        var before = _current;
        var now = before with
        {
            Thresholds = read.Thresholds,
            Quotas = read.Quotas,
            Model = before.Model with { Path = read.Model.Path },
            Models = read.Models,
        };
        _current = now;
        return (SettingDescription.Differences(before, now), SettingDescription.Differences(now, read));
    }
}
