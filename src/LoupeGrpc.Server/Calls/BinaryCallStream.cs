using System.Buffers;
using Google.Protobuf;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>A call whose messages are carried as bytes: each is one <see cref="AnalyzeRequest"/> or <see cref="AnalyzeResponse"/>.</summary>
internal sealed class BinaryCallStream(IBinaryMessages messages) : ICallStream
{
    public string Peer => messages.Peer;

    public string Connection => messages.Connection;

    public Caller Caller => messages.Caller;

    public CancellationToken Gone => messages.Gone;

    public void SlowBy(PaidAhead paid) => messages.SlowBy(paid);

    public async Task<ReceivedRequest> ReadAsync(CancellationToken cancellationToken)
    {
        var (message, violation, vanished) = await messages.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (message is not { } bytes)
        {
            return new ReceivedRequest(null, violation, vanished);
        }

        try
        {
            return ReceivedRequest.Of(RequestParser.ReadRequest(new ReadOnlySequence<byte>(bytes)));
        }
        catch (InvalidProtocolBufferException)
        {
            return ReceivedRequest.Wrong(RequestMessages.NotOfTheContract);
        }
    }

    public void Release() => messages.Release();

    public async Task<bool> TryWriteAsync(AnalyzeResponse response, CancellationToken cancellationToken)
    {
        var length = response.CalculateSize();
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            response.WriteTo(buffer.AsSpan(0, length));
            return await messages.TryWriteAsync(buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
