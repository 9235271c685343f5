using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// The messages of a WebSocket. What is not asked for is not read from the network, so a client that has no credits is slowed down. An empty message says
/// that the client sends no more: closing would keep it from what is left.
/// </summary>
/// <remarks>
/// A read that is canceled ends a <see cref="WebSocket"/>. So reads are never canceled: whoever stops waiting leaves the read under way to whoever asks next.
/// </remarks>
internal sealed class SocketMessages : IBinaryMessages, IIncompleteMessage, IDisposable
{
    /// <summary>Messages up to this are read into memory that the socket has anyway.</summary>
    private const int Small = 64 << 10;

    /// <summary>How much a message that grows, grows by at once.</summary>
    private const int Growth = 4;

    private readonly WebSocket _socket;
    private readonly MessageRoom _room;
    private readonly LoupeOptions _options;
    private readonly CancellationTokenSource _gone;
    private readonly TaskCompletionSource<ReceivedBytes> _abandoned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _small = GC.AllocateUninitializedArray<byte>(Small);
    private byte[]? _large;
    private RoomLease? _lease;
    private Task<ReceivedBytes>? _reading;

    public SocketMessages(WebSocket socket, HttpContext http, MessageRoom room, LoupeOptions options)
    {
        _socket = socket;
        _room = room;
        _options = options;
        _gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        Gone = _gone.Token;
        Peer = PeerAddress.NameOf(http.Connection);
        Connection = http.Connection.Id;
        Caller = Caller.Of(http);
        Large = room.LargeOf(http.Features.GetRequiredFeature<IConnectionItemsFeature>().Items);
    }

    public string Peer { get; }

    public string Connection { get; }

    public Caller Caller { get; }

    public CancellationToken Gone { get; }

    public Room Large { get; }

    public long DueAt { get; set; }

    public PaidAhead? Paid { get; private set; }

    public void SlowBy(PaidAhead paid) => Paid = paid;

    public void Abandon()
    {
        if (_abandoned.TrySetResult(ReceivedBytes.Wrong(ServerBusy.SlowMessage)))
        {
            Release();
        }
    }

    public async Task<ReceivedBytes> ReadAsync(CancellationToken cancellationToken)
    {
        if (_reading is null)
        {
            Forget();
            _reading = ReceiveAsync();
        }

        ReceivedBytes received;
        try
        {
            received = await (await Task.WhenAny(_reading, _abandoned.Task).WaitAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Gone.IsCancellationRequested)
        {
            return ReceivedBytes.Gone;
        }

        if (received.Message is { IsEmpty: true })
        {
            // Nothing is asked for any more, and a client that goes away is to be noticed.
            _reading = WatchAsync();
            return default;
        }

        _reading = received.Message is null ? _reading : null;
        return received;
    }

    public void Release() => Interlocked.Exchange(ref _lease, null)?.Dispose();

    public async Task<bool> TryWriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, true, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return false;
        }
    }

    /// <summary>Tells the client that it is over and why, and gives it a while to hear that.</summary>
    /// <param name="text">What is to be told before, as a text message; null: nothing.</param>
    public async Task CloseAsync(WebSocketCloseStatus status, string reason, string? text, TimeSpan patience, TimeProvider time)
    {
        using var end = new CancellationTokenSource(patience, time);
        try
        {
            if (text is not null)
            {
                await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, end.Token).ConfigureAwait(false);
            }

            await _socket.CloseOutputAsync(status, reason, end.Token).ConfigureAwait(false);
            _reading ??= WatchAsync();
            while (_socket.State is WebSocketState.CloseSent && !(await _reading.WaitAsync(end.Token).ConfigureAwait(false)).Vanished)
            {
                _reading = WatchAsync();
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // It has heard it, or does not listen.
        }
    }

    public void Dispose()
    {
        // What waits for room stops, before the room that it may have got is given back. The memory is left alone: a read may be under way.
        Vanish();
        _socket.Abort();
        _room.Leave(this);
        Release();
        _gone.Dispose();
    }

    /// <summary>What a socket throws of its own where its client or connection is gone.</summary>
    private static bool IsBroken(Exception exception) =>
        exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException;

    private async Task<ReceivedBytes> ReceiveAsync()
    {
        try
        {
            Memory<byte> buffer = _small;
            var count = 0;
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer[count..], CancellationToken.None).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return EndOf(_socket.CloseStatus);
                }

                if (part.MessageType == WebSocketMessageType.Text)
                {
                    return ReceivedBytes.Wrong(CallFailure.Invalid("a message is text: each is one AnalyzeRequest, in binary"));
                }

                count += part.Count;
                if (count > _options.Limits.MaxMessageBytes)
                {
                    return ReceivedBytes.Wrong(LimitMessages.MessageTooLarge(_options));
                }

                if (part.EndOfMessage)
                {
                    return new ReceivedBytes(buffer[..count], null, false);
                }

                if (count == buffer.Length)
                {
                    buffer = await GrowAsync(buffer).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return Vanish();
        }
        finally
        {
            _room.Leave(this);
        }
    }

    /// <summary>Room for more of a message, whose length nobody knows before its end.</summary>
    private async Task<Memory<byte>> GrowAsync(Memory<byte> full)
    {
        // One byte over the limit tells what is too large from what just fits.
        var length = (int)Math.Min((long)full.Length * Growth, _options.Limits.MaxMessageBytes + 1L);
        // What is read, and what is made of it.
        var lease = await _room.EnterAsync(this, length, 2L * length, Gone).ConfigureAwait(false);
        Interlocked.Exchange(ref _lease, lease)?.Dispose();
        if (Gone.IsCancellationRequested || _abandoned.Task.IsCompleted)
        {
            Release();
        }

        var larger = ArrayPool<byte>.Shared.Rent(length);
        full.CopyTo(larger);
        Forget();
        _large = larger;
        return larger.AsMemory(0, length);
    }

    private void Forget()
    {
        if (_large is not null)
        {
            ArrayPool<byte>.Shared.Return(_large);
            _large = null;
        }
    }

    /// <summary>Reads on where nothing is asked for, up to the end of what the client sends.</summary>
    private async Task<ReceivedBytes> WatchAsync()
    {
        try
        {
            while ((await _socket.ReceiveAsync(_small.AsMemory(), CancellationToken.None).ConfigureAwait(false)).MessageType != WebSocketMessageType.Close)
            {
            }

            return EndOf(_socket.CloseStatus);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return Vanish();
        }
    }

    /// <summary>A client that closes in good order has ended its session; one that goes away, or is closed by its browser, may come back for it.</summary>
    private ReceivedBytes EndOf(WebSocketCloseStatus? status) => status == WebSocketCloseStatus.NormalClosure ? default : Vanish();

    private ReceivedBytes Vanish()
    {
        try
        {
            _gone.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call is over.
        }

        return ReceivedBytes.Gone;
    }
}
