using LoupeGrpc.Client.Cli.Files;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Items that are all known before the first is read.</summary>
internal sealed class ItemListSource(string label, IReadOnlyList<SourceItem> items, SkippedFiles? passedOver = null) : FrameSource
{
    public override string Label => label;

    public override long? Count => items.Count;

    public override bool ListsItems => true;

    public override bool IsUnreadable => items.All(item => item is UnreadableItem);

    public override string? Remark => passedOver?.Text;

    public override IAsyncEnumerable<SourceItem> ReadAsync(CancellationToken cancellationToken) => items.ToAsyncEnumerable();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
