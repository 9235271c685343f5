using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary><c>ForgeryAnalysisService</c>: opens sessions and runs them, analyses single pictures, says what is served.</summary>
internal sealed class ForgeryAnalysisEndpoint(SessionServices services, SessionRegistry sessions, SessionCalls calls, PictureQueue pictures, ServingState serving)
    : ForgeryAnalysisService.ForgeryAnalysisServiceBase
{
    public override Task Analyze(
        IAsyncStreamReader<AnalyzeRequest> requestStream, IServerStreamWriter<AnalyzeResponse> responseStream, ServerCallContext context) =>
        calls.ServeAsync(new GrpcSessionTransport(requestStream, responseStream, context, services.Options, () => services.Analyzer.Model.ToMessage()));

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
        var outcome = await pictures.AnalyzeAsync(
            context.GetHttpContext().Connection.Id, input, settings.ToRequest(receivedAt, null), context.CancellationToken).ConfigureAwait(false);
        return outcome.Succeeded
            ? new AnalyzeImageResponse { Result = outcome.Analysis.ToMessage(settings.Thresholds), Model = services.Analyzer.Model.ToMessage() }
            : throw outcome.Failure.ToRpcException();
    }

    public override Task<GetServerInfoResponse> GetServerInfo(GetServerInfoRequest request, ServerCallContext context) => Task.FromResult(
        new GetServerInfoResponse
        {
            Server = ProductVersion.Name,
            Model = services.Analyzer.Model.ToMessage(),
            Execution = services.Analyzer.Execution.ToMessage(),
            Ladder = { services.Analyzer.Ladder.Select(ExecutionMessages.ToMessage) },
            Limits = LimitMessages.Of(services.Options, services.Options.Limits.Credits, services.Options.Limits.MaxResponseBytes),
            DefaultThresholds = services.Options.Thresholds.ToMessage(),
            Unavailable = { Features.Missing(services.Options).Select(SessionMessages.ToMessage) },
            AdaptationUsage = new AdaptationUsage { UsedBytes = (ulong)services.AdaptationBudget.Used, MaxBytes = (ulong)services.AdaptationBudget.Limit, Evictions = services.AdaptationBudget.Evictions },
            ReadySince = serving.ReadySince?.ToTimestamp(),
            ActiveSessions = (uint)sessions.Connected,
            Startup = serving.Startup is { } startup ? Duration.FromTimeSpan(startup) : null,
        });

    private AnalysisSettings ReadSettings(AnalyzeImageRequest request)
    {
        if (AnalysisSettingsReader.Read(request.Thresholds, services.Options.Thresholds, out var error) is { } thresholds
            && AnalysisSettingsReader.Read(request.Mask, out error) is { } mask)
        {
            return new AnalysisSettings { Thresholds = thresholds, Mask = mask, MaxResponseBytes = AnalysisSettings.DefaultResponseBytes };
        }

        throw new FrameFailure(FailureKind.Invalid, error!).ToRpcException();
    }
}
