using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary><c>ForgeryAnalysisService</c>: opens sessions and runs them, analyses single pictures, says what is served.</summary>
internal sealed class ForgeryAnalysisEndpoint(SessionServices services, SessionRegistry sessions, ServingState serving)
    : ForgeryAnalysisService.ForgeryAnalysisServiceBase
{
    public override async Task Analyze(
        IAsyncStreamReader<AnalyzeRequest> requestStream, IServerStreamWriter<AnalyzeResponse> responseStream, ServerCallContext context)
    {
        if (await ReadOpenAsync(requestStream, responseStream, context).ConfigureAwait(false) is not { } open)
        {
            return;
        }

        await using var call = new SessionCall(requestStream, responseStream, context.Peer, services.Time, context.CancellationToken);
        var session = Resume(open, call, context) ?? Open(open, call, context);
        var end = await session.ServeAsync(call).ConfigureAwait(false);
        if (end == SessionEnd.TakenOver)
        {
            await call.SayTakenOverAsync().ConfigureAwait(false);
        }

        if (end.Status is not null)
        {
            throw end.Status;
        }
    }

    public override async Task<AnalyzeImageResponse> AnalyzeImage(AnalyzeImageRequest request, ServerCallContext context)
    {
        var receivedAt = services.Time.GetTimestamp();
        if (serving.IsDraining)
        {
            throw ServerBusy.Stopping.ToRpcException();
        }

        FrameFailure? failure = null;
        var input = request.ImageCase switch
        {
            AnalyzeImageRequest.ImageOneofCase.Encoded => FrameReader.Read(request.Encoded),
            AnalyzeImageRequest.ImageOneofCase.Raw => FrameReader.Read(request.Raw, null, out failure),
            _ => null,
        };
        if (input is null)
        {
            throw (failure ?? new FrameFailure(FailureKind.Invalid, "the request holds no picture")).ToRpcException();
        }

        var settings = ReadSettings(request);
        using var bytes = services.Bytes.Budget.TryAcquire(input.Data.Length) ?? throw ServerBusy.NoBytesLeft(services.Options.Limits).ToRpcException();
        using var lane = services.Analyzer.OpenLane(pinned: false);
        var outcome = await lane.AnalyzeAsync(input, settings.ToRequest(receivedAt, null), context.CancellationToken).ConfigureAwait(false);
        return outcome.Succeeded
            ? new AnalyzeImageResponse { Result = outcome.Analysis.ToMessage(settings.Thresholds), Model = services.Analyzer.Model }
            : throw outcome.Failure.ToRpcException();
    }

    public override Task<GetServerInfoResponse> GetServerInfo(GetServerInfoRequest request, ServerCallContext context) => Task.FromResult(
        new GetServerInfoResponse
        {
            Server = ProductVersion.Name,
            Model = services.Analyzer.Model,
            Execution = services.Analyzer.Execution.ToMessage(),
            Ladder = { services.Analyzer.Ladder.Select(ExecutionMessages.ToMessage) },
            Limits = LimitMessages.Of(services.Options, services.Options.Limits.Credits, services.Options.Limits.MaxResponseBytes),
            DefaultThresholds = services.Options.Thresholds.ToMessage(),
            Unavailable = { Features.Unavailable(services.Options) },
            AdaptationUsage = new AdaptationUsage { UsedBytes = (ulong)services.AdaptationBudget.Used, MaxBytes = (ulong)services.AdaptationBudget.Limit, Evictions = services.AdaptationBudget.Evictions },
            ReadySince = serving.ReadySince?.ToTimestamp(),
            ActiveSessions = (uint)sessions.Connected,
            Startup = serving.Startup is { } startup ? Duration.FromTimeSpan(startup) : null,
        });

    /// <summary>Null where no session has the token, or none was given.</summary>
    private AnalyzeSession? Resume(OpenSession open, SessionCall call, ServerCallContext context)
    {
        if (open.ResumeToken.IsEmpty || sessions.FindByToken(open.ResumeToken.Span) is not { } session)
        {
            return null;
        }

        return session.TryAttach(call, open.ResponsesReceived, out var refusal) ? session
            : refusal is not null ? throw Refuse(context, refusal)
            : null;
    }

    private AnalyzeSession Open(OpenSession open, SessionCall call, ServerCallContext context)
    {
        var request = SessionRequest.Read(open, services.Options, out var failure) ?? throw Refuse(context, failure!.ToRpcException());
        var session = new AnalyzeSession(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), request, services, sessions.Remove);
        session.TryAttach(call, 0, out _);
        if (!sessions.TryAdd(session, out var refusal))
        {
            session.Dispose();
            throw Refuse(context, refusal.ToRpcException());
        }

        return session;
    }

    /// <summary>Controls that come too early are answered, and change nothing.</summary>
    /// <returns>Null where the client vanished first.</returns>
    private async Task<OpenSession?> ReadOpenAsync(
        IAsyncStreamReader<AnalyzeRequest> requests, IServerStreamWriter<AnalyzeResponse> responses, ServerCallContext context)
    {
        // A call that opens nothing must not hold up a server that stops.
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, serving.Draining);
        bool any;
        try
        {
            while ((any = await requests.MoveNext(waiting.Token).ConfigureAwait(false)) && requests.Current.Control is { } early)
            {
                await responses.WriteAsync(RequestFaults.TooEarly(early), waiting.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (!context.CancellationToken.IsCancellationRequested && RequestFaults.Find(exception, services.Options.Limits) is { } status)
        {
            throw Refuse(context, status);
        }
        catch (Exception exception) when (RequestFaults.IsBrokenTransport(exception))
        {
            return serving.IsDraining && !context.CancellationToken.IsCancellationRequested
                ? throw Refuse(context, ServerBusy.Stopping.ToRpcException())
                : null;
        }

        if (!any || requests.Current.PayloadCase != AnalyzeRequest.PayloadOneofCase.Open)
        {
            throw Refuse(context, RequestFaults.NotOpened);
        }

        return requests.Current.Open;
    }

    private AnalysisSettings ReadSettings(AnalyzeImageRequest request)
    {
        var defaults = new AnalysisSettings { Thresholds = services.Options.Thresholds, MaxResponseBytes = AnalysisSettings.DefaultResponseBytes };
        var settings = defaults.With(request.Thresholds, services.Options.Thresholds, out var mistake)?.With(request.Mask, out mistake);
        return settings ?? throw new FrameFailure(FailureKind.Invalid, mistake!).ToRpcException();
    }

    private RpcException Refuse(ServerCallContext context, RpcException status)
    {
        StreamingLog.Refused(services.Logger, context.Peer, status.Status.Detail);
        return status;
    }
}
