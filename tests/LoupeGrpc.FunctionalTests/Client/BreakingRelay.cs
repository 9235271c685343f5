using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>
/// Stands between a client and a real server, hands on the messages of each call, and breaks both sides where a test says: a network with a script.
/// A call that breaks takes along what the other side has sent meanwhile.
/// </summary>
internal sealed class BreakingRelay : ForgeryAnalysisService.ForgeryAnalysisServiceBase, IDisposable
{
    private static readonly TimeSpan Arrival = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly List<OpenSession> _opened = [];
    private readonly List<GrpcChannel> _channels = [];
    private CancellationTokenSource _now = new();
    private int _connections;

    /// <param name="server">Where calls lead.</param>
    public BreakingRelay(RunningServer server) => Server = server.Server.Grpc;

    /// <summary>Where the next calls lead.</summary>
    public Uri Server { get; set; }

    /// <summary>The fate of the first, second … call; those behind the last one live.</summary>
    public IReadOnlyList<Fate> Fates { get; init; } = [];

    /// <summary>A frame with more bytes breaks the call it is sent on; null: none does.</summary>
    public int? MaxFrameBytes { get; init; }

    /// <summary>Calls so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>The openings that came through so far.</summary>
    public IReadOnlyList<OpenSession> Opened
    {
        get
        {
            lock (_gate)
            {
                return [.. _opened];
            }
        }
    }

    /// <summary>Breaks every call there is.</summary>
    public void Break()
    {
        CancellationTokenSource now;
        lock (_gate)
        {
            now = _now;
            _now = new CancellationTokenSource();
        }

        now.Cancel();
    }

    public void Dispose() => _channels.ForEach(channel => channel.Dispose());

    public override async Task Analyze(
        IAsyncStreamReader<AnalyzeRequest> requestStream, IServerStreamWriter<AnalyzeResponse> responseStream, ServerCallContext context)
    {
        var number = Interlocked.Increment(ref _connections) - 1;
        var fate = number < Fates.Count ? Fates[number] : new Fate();
        if (fate.BeforeGrant || !await requestStream.MoveNext())
        {
            context.GetHttpContext().Abort();
            return;
        }

        CancellationToken now;
        lock (_gate)
        {
            _opened.Add(requestStream.Current.Open);
            now = _now.Token;
        }

        if (fate.Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, now);
        using var call = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(Channel()).Analyze(cancellationToken: over.Token);
        try
        {
            await call.RequestStream.WriteAsync(requestStream.Current, over.Token);
            var requests = PumpRequestsAsync(requestStream, call.RequestStream, over);
            await PumpResponsesAsync(call.ResponseStream, responseStream, fate, over);
            await requests;
        }
        catch (Exception) when (over.IsCancellationRequested)
        {
            // An abort takes back what has not arrived yet.
            await Task.Delay(Arrival, CancellationToken.None);
            context.GetHttpContext().Abort();
        }
        finally
        {
            await over.CancelAsync();
        }
    }

    private async Task PumpRequestsAsync(IAsyncStreamReader<AnalyzeRequest> from, IClientStreamWriter<AnalyzeRequest> to, CancellationTokenSource over)
    {
        try
        {
            while (await from.MoveNext(over.Token))
            {
                if (from.Current.Frame?.Encoded.Data.Length > MaxFrameBytes)
                {
                    await over.CancelAsync();
                    return;
                }

                await to.WriteAsync(from.Current, over.Token);
            }

            await to.CompleteAsync();
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            // The other direction says why.
        }
    }

    private static async Task PumpResponsesAsync(
        IAsyncStreamReader<AnalyzeResponse> from, IServerStreamWriter<AnalyzeResponse> to, Fate fate, CancellationTokenSource over)
    {
        for (var numbered = -1; await from.MoveNext(over.Token);)
        {
            // The grant is none of them.
            numbered++;
            if (numbered > fate.AfterResponses)
            {
                // Answered, and lost on the way: whoever counts wrongly has it never, or twice.
                await over.CancelAsync();
            }

            over.Token.ThrowIfCancellationRequested();
            await to.WriteAsync(from.Current, over.Token);
            if (fate.AfterGrant)
            {
                await over.CancelAsync();
                over.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private GrpcChannel Channel()
    {
        lock (_gate)
        {
            var channel = GrpcChannel.ForAddress(Server, new GrpcChannelOptions { MaxReceiveMessageSize = null });
            _channels.Add(channel);
            return channel;
        }
    }

    /// <summary>Where a call breaks.</summary>
    internal sealed record Fate
    {
        /// <summary>Before it reached the server.</summary>
        public bool BeforeGrant { get; init; }

        /// <summary>Behind the grant.</summary>
        public bool AfterGrant { get; init; }

        /// <summary>When the server has answered with one more than so many outcomes, replies and events, of which that one is lost.</summary>
        public int? AfterResponses { get; init; }

        /// <summary>Instead of a grant.</summary>
        public Status? Refusal { get; init; }
    }
}
