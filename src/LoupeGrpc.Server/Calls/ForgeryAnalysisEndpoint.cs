using Grpc.Core;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary><c>ForgeryAnalysisService</c>: opens sessions and runs them, analyses single pictures, says what is served.</summary>
[BindServiceMethod(typeof(PictureMessages), nameof(PictureMessages.Bind))]
internal sealed class ForgeryAnalysisEndpoint(SessionServices services, SessionRegistry sessions, SessionCalls calls, PictureQueue pictures, ServingState serving, CallerQuotas quotas)
    : ForgeryAnalysisService.ForgeryAnalysisServiceBase
{
    public override async Task Analyze(IAsyncStreamReader<AnalyzeRequest> requestStream, IServerStreamWriter<AnalyzeResponse> responseStream, ServerCallContext context)
    {
        if (await calls.ServeAsync(new GrpcCallStream(requestStream, responseStream, context, services.Options)).ConfigureAwait(false) is { } failure)
        {
            throw failure.ToRpcException();
        }
    }

    public override async Task<AnalyzeImageResponse> AnalyzeImage(AnalyzeImageRequest request, ServerCallContext context)
    {
        if (serving.IsDraining)
        {
            throw ServerBusy.Stopping.ToRpcException();
        }

        var picture = PictureReader.Read(request, services.Options, services.ThresholdsOf(request.Model), out var failure) ?? throw failure!.ToRpcException();
        var http = context.GetHttpContext();
        var analyzing = pictures.AnalyzeAsync(http.Connection.Id, quotas.Of(Caller.Of(http)), picture, context.CancellationToken);
        http.Features.Get<IReceivedMessage>()?.Release();
        var answer = await analyzing.ConfigureAwait(false);
        picture.ReleaseBytes();
        return PictureReader.ToResponse(answer);
    }

    public override Task<GetServerInfoResponse> GetServerInfo(GetServerInfoRequest request, ServerCallContext context) =>
        Task.FromResult(ServerInfoMessages.Of(services, sessions.Connected, serving.ReadySince, serving.Startup));
}
