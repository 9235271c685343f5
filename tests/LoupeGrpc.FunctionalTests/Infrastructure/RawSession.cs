using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>One <c>Analyze</c> call, message by message: no credits, no order, no manners.</summary>
internal sealed class RawSession(AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call) : IDisposable
{
    public SessionGrant Grant { get; set; } = new();

    /// <summary>Responses received that the session numbers, over all its calls: outcomes, replies and events.</summary>
    public ulong Received { get; set; }

    public Task SendAsync(AnalyzeRequest request) => call.RequestStream.WriteAsync(request, CancellationToken.None).WaitAsync(Patience.Token());

    /// <param name="id">The frame's number, and its first byte.</param>
    public Task SendFrameAsync(ulong id, Action<Frame>? change = null)
    {
        var frame = new Frame { FrameId = id, Encoded = new EncodedImage { Data = ByteString.CopyFrom((byte)id) } };
        change?.Invoke(frame);
        return SendAsync(new AnalyzeRequest { Frame = frame });
    }

    public Task SendAsync(Control control) => SendAsync(new AnalyzeRequest { Control = control });

    public Task CompleteAsync() => call.RequestStream.CompleteAsync();

    /// <summary>The next message.</summary>
    public async Task<AnalyzeResponse> NextAsync()
    {
        Assert.True(await call.ResponseStream.MoveNext(Patience.Token()), "the stream ended");
        return Take();
    }

    /// <summary>The next message, which is an outcome.</summary>
    public async Task<FrameOutcome> NextOutcomeAsync()
    {
        var response = await NextAsync();
        Assert.Equal(AnalyzeResponse.PayloadOneofCase.Outcome, response.PayloadCase);
        return response.Outcome;
    }

    /// <summary>The next message, which is the reply to a control.</summary>
    public async Task<ControlReply> NextReplyAsync()
    {
        var response = await NextAsync();
        Assert.Equal(AnalyzeResponse.PayloadOneofCase.ControlReply, response.PayloadCase);
        return response.ControlReply;
    }

    /// <summary>Everything that is left, up to the end of a call that ends well.</summary>
    public async Task<List<AnalyzeResponse>> RestAsync()
    {
        List<AnalyzeResponse> rest = [];
        while (await call.ResponseStream.MoveNext(Patience.Token()))
        {
            rest.Add(Take());
        }

        return rest;
    }

    /// <summary>What is left, up to the failure that ends the call.</summary>
    public async Task<(List<AnalyzeResponse> Before, RpcException Failure)> FailureAsync()
    {
        List<AnalyzeResponse> rest = [];
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(Patience.Token()))
            {
                rest.Add(Take());
            }
        });
        return (rest, failure);
    }

    /// <summary>Vanishes.</summary>
    public void Dispose() => call.Dispose();

    private AnalyzeResponse Take()
    {
        var response = call.ResponseStream.Current;
        var numbered = response is { Outcome: not null } or { ControlReply: not null } or { Event.Kind: not SessionEventKind.TakenOver };
        Received += numbered ? 1u : 0;
        return response;
    }
}
