namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>A frame that waits for its turn, and what is done when it comes or does not. One of the two methods is called, once.</summary>
internal abstract class QueuedFrame
{
    /// <summary>Timestamp of the receipt.</summary>
    public required long ReceivedAt { get; init; }

    /// <summary>The scheduler's: timestamp from which it waits.</summary>
    public long QueuedAt { get; set; }

    /// <summary>Age from which its outcome is of no use; null: never.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Whether it keeps a worker of the engine busy for long.</summary>
    public bool IsHeavy { get; init; }

    /// <summary>Seconds of computing that its analysis took; null where nobody measured it.</summary>
    public double? EngineTime { get; protected set; }

    /// <summary>Whether it became too old inside the engine: most of its time there it waited.</summary>
    public bool WasTooOld { get; protected set; }

    /// <summary>The scheduler's: where it waits; null where it does not.</summary>
    public LinkedListNode<QueuedFrame>? Place { get; set; }

    /// <summary>Lets it into the engine and decides it. Frames of one flow begin in their order, one after the other: what must happen in it is done before the first await.</summary>
    public abstract Task AnalyzeAsync();

    /// <summary>Decides it without an analysis.</summary>
    public abstract void Refuse(FrameRefusal reason);
}

/// <summary>Why a frame that waited does not get into the engine.</summary>
internal enum FrameRefusal
{
    Superseded,
    Stale,
    Expired,
    Abandoned,
}
