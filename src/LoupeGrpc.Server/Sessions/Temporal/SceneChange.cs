using System.Text.Json.Serialization;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>
/// Tells scene cuts by the colour layouts of frames. The change between two is the mean difference of their fields, 0 to 1, less what the whole picture became brighter or
/// darker. A cut is a change that reaches a threshold, and is much larger than those of this scene have been. Exact in integers up to the last comparison, so every
/// server says the same. Not thread-safe.
/// </summary>
/// <param name="threshold">0 to 1.</param>
internal sealed class SceneChange(double threshold)
{
    /// <summary>How many times the usual change a cut is: in a shaken picture each frame differs.</summary>
    private const double Usual = 3;

    /// <summary>Weight of the newest change in the usual one.</summary>
    private const double Smoothing = 0.125;

    private byte[] _last = [];
    private double _usual;

    /// <summary>Whether a new scene begins with this frame.</summary>
    /// <param name="layout">As long as the one before; empty or of another length: nothing is told.</param>
    public bool Add(ReadOnlySpan<byte> layout)
    {
        if (layout.IsEmpty)
        {
            return false;
        }

        if (layout.Length != _last.Length)
        {
            _last = layout.ToArray();
            return false;
        }

        double change = Between(_last, layout);
        bool isCut = threshold < 1 && change >= threshold && change >= Usual * _usual;
        _usual = isCut ? 0 : _usual + (Smoothing * (change - _usual));
        layout.CopyTo(_last);
        return isCut;
    }

    public SceneState Save() => new(_last.ToArray(), _usual);

    public void Restore(SceneState state) => (_last, _usual) = (state.Last.ToArray(), state.Usual);

    /// <summary>Of two layouts of one length, above 0.</summary>
    public static double Between(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        long brighter = 0;
        for (int i = 0; i < before.Length; i++)
        {
            brighter += after[i] - before[i];
        }

        long sum = 0;
        for (int i = 0; i < before.Length; i++)
        {
            sum += Math.Abs(((long)before.Length * (after[i] - before[i])) - brighter);
        }

        return sum / ((double)before.Length * before.Length * byte.MaxValue);
    }
}

/// <param name="Last">Layout of the last frame; empty: there is none.</param>
/// <param name="Usual">Change in this scene.</param>
internal sealed record SceneState(byte[] Last, double Usual)
{
    /// <summary>Longer than any layout.</summary>
    private const int MostBytes = 4096;

    [JsonIgnore]
    public bool IsValid => Last.Length <= MostBytes && Usual is >= 0 and <= 1;
}
