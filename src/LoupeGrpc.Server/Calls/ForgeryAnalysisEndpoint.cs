using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
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
        if (serving.IsDraining)
        {
            throw ServerBusy.Stopping.ToRpcException();
        }

        var picture = PictureReader.Read(request, services.Options, out var failure) ?? throw failure!.ToRpcException();
        var end = await pictures.AnalyzeAsync(context.GetHttpContext().Connection.Id, picture, context.CancellationToken).ConfigureAwait(false);
        return PictureReader.ToResponse(end, services.Analyzer.Model.ToMessage());
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
}
