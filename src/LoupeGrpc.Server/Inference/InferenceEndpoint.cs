using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Grpc.Core;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using Microsoft.AspNetCore.Authorization;

namespace LoupeGrpc.Server.Inference;

/// <summary><c>inference.GRPCInferenceService</c>: the Open Inference Protocol, for clients that were written for any server of it.</summary>
internal sealed class InferenceEndpoint(
    InferenceRunner runner, InferenceModels models, InferenceStatistics statistics, InferenceReadiness readiness, ServingState serving, OpenStreams streams, LiveOptions live, ILogger<InferenceEndpoint> logger)
    : GRPCInferenceService.GRPCInferenceServiceBase
{
    // Whoever probes has no key.
    [AllowAnonymous]
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) => Task.FromResult(new ServerLiveResponse { Live = true });

    [AllowAnonymous]
    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) => Task.FromResult(new ServerReadyResponse { Ready = readiness.IsReady });

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelReadyResponse { Ready = readiness.IsReady && models.TryFind(request.Name, request.Version) is not null });

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) => Task.FromResult(ServerFacts.Message);

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(Find(request.Name, request.Version).ToMetadata());

    public override Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelConfigResponse { Config = Find(request.Name, request.Version).ToConfig() });

    public override Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context) => Task.FromResult(new ModelStatisticsResponse
    {
        ModelStats = { (request.Name.Length == 0 ? models.List() : [Find(request.Name, request.Version)]).Select(model => model.ToStatistics(statistics)) },
    });

    public override Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context) =>
        Task.FromResult(new RepositoryIndexResponse { Models = { models.List().Select(ModelMessages.ToIndex) } });

    public override async Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        try
        {
            return await InferAsync(request, InferenceClient.Of(http), () => http.Features.Get<IReceivedMessage>()?.Release(), context.CancellationToken).ConfigureAwait(false);
        }
        catch (InferenceException exception)
        {
            throw ToRpcException(exception);
        }
    }

    /// <summary>The next request is read when the frames' account has the pictures of the one before. It ends when what its client came in with is not taken any more.</summary>
    public override async Task ModelStreamInfer(
        IAsyncStreamReader<ModelInferRequest> requestStream, IServerStreamWriter<ModelStreamInferResponse> responseStream, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var revoked = Caller.Of(http).Revoked;
        using var open = streams.Open();
        try
        {
            await StreamInferAsync(requestStream, responseStream, InferenceClient.Of(http), context.CancellationToken, revoked).ConfigureAwait(false);
        }
        catch when (revoked.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw SessionEnd.Revoked.Failure!.ToRpcException();
        }
    }

    private async Task StreamInferAsync(
        IAsyncStreamReader<ModelInferRequest> requestStream, IServerStreamWriter<ModelStreamInferResponse> responseStream, InferenceClient client, CancellationToken gone, CancellationToken revoked)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(gone, revoked);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, serving.Draining);
        var isCutShort = false;
        var answers = Channel.CreateBounded<Task<ModelStreamInferResponse>>(live.Current.Limits.Credits);
        var writing = WriteAsync(answers.Reader, responseStream, stop);
        try
        {
            while (await requestStream.MoveNext(reading.Token).ConfigureAwait(false))
            {
                var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var answer = AnswerAsync(requestStream.Current, client, () => taken.TrySetResult(), stop.Token);
                await answers.Writer.WriteAsync(answer, stop.Token).ConfigureAwait(false);
                await Task.WhenAny(taken.Task, answer).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (serving.IsDraining && !stop.IsCancellationRequested)
        {
            // A stream that nobody ends must not hold up a server that stops; what it has sent is answered.
            isCutShort = true;
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            answers.Writer.Complete();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await writing.ConfigureAwait(false);
        if (isCutShort)
        {
            throw ServerBusy.Stopping.ToRpcException();
        }
    }

    private static async Task WriteAsync(ChannelReader<Task<ModelStreamInferResponse>> answers, IServerStreamWriter<ModelStreamInferResponse> responses, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var answer in answers.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                await responses.WriteAsync(await answer.ConfigureAwait(false), stop.Token).ConfigureAwait(false);
            }
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Whatever is wrong with a request is said in its answer.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever it is, the client is told that it is a fault of ours.")]
    private async Task<ModelStreamInferResponse> AnswerAsync(ModelInferRequest request, InferenceClient client, Action taken, CancellationToken cancellationToken)
    {
        try
        {
            return new ModelStreamInferResponse { InferResponse = await InferAsync(request, client, taken, cancellationToken).ConfigureAwait(false) };
        }
        catch (InferenceException exception)
        {
            return Failed(exception.Message);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            InferenceLog.Faulted(logger, client.Peer, ShownText.Of(request.ModelName), exception);
            return Failed("an internal error of the server ended the request; its log has the reason");
        }

        ModelStreamInferResponse Failed(string message) => new()
        {
            ErrorMessage = message,
            InferResponse = new ModelInferResponse { Id = request.Id, ModelName = request.ModelName, ModelVersion = request.ModelVersion },
        };
    }

    private async Task<ModelInferResponse> InferAsync(ModelInferRequest request, InferenceClient client, Action taken, CancellationToken cancellationToken)
    {
        var model = models.Find(request.ModelName, request.ModelVersion);
        var thresholds = live.Current.Thresholds.For(model.Analyzer.Model.Calibration?.Thresholds);
        var answer = await runner.RunAsync(GrpcTensors.Read(request, model.Name, live.Current, thresholds), client, taken, cancellationToken).ConfigureAwait(false);
        return answer.ToMessage(request.RawInputContents.Count > 0);
    }

    private ModelStatus Find(string name, string version)
    {
        try
        {
            return models.Find(name, version);
        }
        catch (InferenceException exception)
        {
            throw ToRpcException(exception);
        }
    }

    private static RpcException ToRpcException(InferenceException exception) =>
        exception.IsNotFound ? new RpcException(new Status(StatusCode.NotFound, exception.Message)) : exception.Failure.ToRpcException();
}
