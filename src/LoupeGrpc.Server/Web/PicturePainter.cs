using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// Where pictures are painted for people: as many at a time as the engine decodes, and in memory that is taken from the frames' before a picture is analysed. Their
/// files are read by the engine alone, with its limits and where it isolates decoders: what is painted here are pixels.
/// </summary>
internal sealed class PicturePainter(MemoryLedger ledger, LoupeOptions options)
{
    /// <summary>The decoded picture, upright, tinted and as a file, masks among them; and the outline.</summary>
    public const int OverlayBytesPerPixel = 25;

    /// <summary>The decoded picture and its mask: what is shown is small.</summary>
    public const int ThumbnailBytesPerPixel = 6;

    /// <summary>Smaller pictures are enlarged.</summary>
    private const long LeastPixels = 512 * 512;

    private readonly Room _hands = new(new RoomSize(options.Engine.EffectiveDecodeWorkers, long.MaxValue));

    /// <summary>Half of the frames': who does not read what was painted takes nothing from sessions beyond that.</summary>
    private readonly Room _shown = new(RoomSize.OfBytes(Math.Max(1, ledger.Frames.Limit.Bytes / 2)), ledger.Frames);

    /// <summary>Memory for a picture's bytes and to show it in, where there is some now.</summary>
    /// <param name="failure">Why there is none, where there is none.</param>
    public RoomLease? TryReserve(OwnerQuota quota, FrameInput input, int bytesPerPixel, out FrameFailure? failure)
    {
        // What has more pixels than are let in is refused by the engine, in its own words.
        var pixels = Math.Max(Math.Min(input.CountPixels(), options.Engine.Limits.MaxPixels), LeastPixels);
        return TryKeep(quota, (pixels * bytesPerPixel) + input.Data.Length, out failure);
    }

    /// <summary>Memory for what was painted.</summary>
    /// <inheritdoc cref="TryReserve" path="/param"/>
    public RoomLease? TryKeep(OwnerQuota quota, long bytes, out FrameFailure? failure)
    {
        var lease = (quota.Frames ?? _shown).TryTake(0, bytes);
        failure = lease is not null ? null
            : quota.Frames is { } own && own.Held.Bytes + bytes > own.Limit.Bytes ? ServerBusy.NoQuotaLeft : ServerBusy.NoBytesLeft(options.Limits);
        return lease;
    }

    /// <summary>Paints on a thread of its own, when it is its turn.</summary>
    /// <exception cref="OperationCanceledException"/>
    public async Task<T> PaintAsync<T>(Func<T> paint, CancellationToken cancellationToken)
    {
        using var hand = (await _hands.TakeAsync(1, 0, cancellationToken).ConfigureAwait(false)).Lease ?? throw new OperationCanceledException(cancellationToken);
        return await Task.Run(paint, cancellationToken).ConfigureAwait(false);
    }
}
