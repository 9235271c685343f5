namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Inputs in the order of results.</summary>
internal abstract class FrameSource : IAsyncDisposable
{
    /// <summary>For people. Never with credentials.</summary>
    public abstract string Label { get; }

    /// <summary>How many items there will be; null when that is not known.</summary>
    public virtual long? Count => null;

    /// <summary>Whether the items are known by themselves, so that each can be reported even when the server is gone.</summary>
    public virtual bool ListsItems => false;

    /// <summary>Whether nothing of it has to be sent anywhere.</summary>
    public virtual bool IsUnreadable => false;

    /// <summary>Whether its items' times are those of a recording or a camera. Pictures in a folder only have a rate that someone assumed.</summary>
    public virtual bool HasClock => false;

    /// <summary>One sentence for the end of the run about what was there and is no item; null: nothing.</summary>
    public virtual string? Remark => null;

    /// <summary>The items, once.</summary>
    public abstract IAsyncEnumerable<SourceItem> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Ends what reads, if something does.</summary>
    public abstract ValueTask DisposeAsync();
}
