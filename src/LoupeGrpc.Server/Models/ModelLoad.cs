using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Models;

/// <summary>How busy one package's engines are. Its state is the scheduler's, under its lock.</summary>
/// <param name="capacity">What keeps them busy, now.</param>
internal sealed class ModelLoad(Func<FrameCapacity> capacity)
{
    /// <summary>Frames in the engines.</summary>
    public int Inside { get; set; }

    /// <summary>Those of them that are heavy.</summary>
    public int HeavyInside { get; set; }

    /// <summary>As it was when <see cref="Look"/> was called.</summary>
    public FrameCapacity Capacity { get; private set; }

    /// <summary>The look in which <see cref="Capacity"/> was taken.</summary>
    public long SeenIn { get; private set; }

    /// <summary>Its number among all that were looked at then.</summary>
    public int Place { get; private set; }

    public void Look(long look, int place) => (Capacity, SeenIn, Place) = (capacity(), look, place);
}
