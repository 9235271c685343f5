using System.Runtime.CompilerServices;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>
/// A recording played at its own speed: policies that drop frames have no meaning for one that is sent as fast as it can be read.
/// </summary>
internal sealed class PacedSource(FrameSource recording, TimeProvider time) : FrameSource
{
    public override string Label => recording.Label;

    public override long? Count => recording.Count;

    public override bool HasClock => recording.HasClock;

    public override bool ListsItems => recording.ListsItems;

    public override bool IsUnreadable => recording.IsUnreadable;

    public override string? Remark => recording.Remark;

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        await foreach (var item in recording.ReadAsync(cancellationToken))
        {
            var early = TimeSpan.FromSeconds(item.TimeSeconds ?? 0) - time.GetElapsedTime(started);
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, time, cancellationToken);
            }

            yield return item;
        }
    }

    public override ValueTask DisposeAsync() => recording.DisposeAsync();
}
