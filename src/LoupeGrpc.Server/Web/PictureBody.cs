using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// A picture in the body of a request, read into one buffer that has its room among the messages that are being received. Who pauses for too long is given up, and
/// who is slow where others wait for room.
/// </summary>
/// <param name="isOnePicture">And nothing else: then its memory can be used again. Of several in one body the first that has its outcome would give away the others.</param>
internal sealed class PictureBody(HttpContext http, MessageRoom room, BodyLimit most, bool isOnePicture, LoupeOptions options, TimeProvider time) : IIncompleteMessage, IDisposable
{
    private const int FirstBytes = 64 << 10;

    private readonly CancellationTokenSource _abandoned = new();
    private RoomLease? _lease;

    public Room Large { get; } = room.LargeOf(http.Features.GetRequiredFeature<IConnectionItemsFeature>().Items);

    public long DueAt { get; set; }

    public void Abandon() => _abandoned.Cancel();

    /// <summary>Another account has the picture.</summary>
    public void Release() => Interlocked.Exchange(ref _lease, null)?.Dispose();

    /// <param name="length">Bytes; null: it is not said.</param>
    /// <returns>To be given back by <see cref="PictureBytes.Release"/> when nobody reads it any more; what is not is the collector's.</returns>
    /// <exception cref="ProblemException"/>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, long? length)
    {
        var limit = most.Bytes;
        if (length > limit)
        {
            throw TooLarge();
        }

        // Without a length: what grows, and what it grows out of.
        _lease = await room.EnterAsync(this, length ?? limit, Math.Max(length ?? (2 * limit), 1), http.RequestAborted).ConfigureAwait(false);
        try
        {
            var buffer = Rent(length ?? Math.Min(FirstBytes, limit));
            var count = 0;
            while (true)
            {
                if (count == buffer.Length)
                {
                    if (length is not null)
                    {
                        break;
                    }

                    // One byte over the limit tells what is too large from what just fits.
                    var larger = Rent(Math.Min(2L * count, limit + 1));
                    buffer.CopyTo(larger);
                    PictureBytes.Release(buffer);
                    buffer = larger;
                }

                var rest = buffer[count..];
                var read = await PatientlyAsync(async stop => await stream.ReadAsync(rest, stop).ConfigureAwait(false)).ConfigureAwait(false);
                count += read;
                if (count > limit)
                {
                    throw TooLarge();
                }

                if (read == 0)
                {
                    break;
                }
            }

            return buffer[..count];
        }
        finally
        {
            room.Leave(this);
        }
    }

    /// <summary>Something that the client has to send for.</summary>
    /// <exception cref="ProblemException">It paused for too long, or has to give way.</exception>
    public async Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> read)
    {
        using var patience = new CancellationTokenSource(options.Connections.BodyTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _abandoned.Token, http.RequestAborted);
        try
        {
            return await read(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_abandoned.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            throw new ProblemException(Problem.Of(ServerBusy.SlowMessage.Failure)) { IsUnfinished = true };
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            throw new ProblemException(new Problem(
                StatusCodes.Status408RequestTimeout,
                "EXPIRED",
                FormattableString.Invariant($"the body paused for more than {options.Connections.BodyTimeout.TotalSeconds:0.###} s: Loupe:Connections:BodyTimeout")))
            {
                IsUnfinished = true,
            };
        }
    }

    public void Dispose()
    {
        room.Leave(this);
        Release();
        _abandoned.Dispose();
    }

    private Memory<byte> Rent(long length) => isOnePicture && length > 0 ? PictureBuffers.Shared.Rent((int)length).Memory : new byte[length];

    private ProblemException TooLarge() => new(new Problem(StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", most.Message));
}

/// <summary>The most that a body may have.</summary>
/// <param name="Message">For those who send more; names the setting.</param>
internal sealed record BodyLimit(long Bytes, string Message)
{
    public static BodyLimit OfPicture(LoupeOptions options) =>
        new(options.Limits.MaxFrameBytes, $"the picture is over the limit of {options.Limits.MaxFrameBytes} bytes: Loupe:Limits:MaxFrameBytes");

    /// <summary>Of a picture and what surrounds it, or of several smaller ones.</summary>
    public static BodyLimit OfMessage(LoupeOptions options) => new(options.Limits.MaxMessageBytes, LimitMessages.MessageTooLarge(options).Message);
}
