using LoupeGrpc.Engine;

namespace LoupeGrpc.Execution;

/// <summary>An engine of a rung, and who uses it. Under the lock of its board.</summary>
internal sealed class RungEngine(Rung rung, LoupeEngine engine)
{
    public Rung Rung => rung;

    public LoupeEngine Engine => engine;

    /// <summary>Sessions whose next frame runs here.</summary>
    public int Sessions { get; set; }

    /// <summary>Frames inside.</summary>
    public int Calls { get; set; }
}
