using Grpc.Core;
using Grpc.Core.Interceptors;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>Ends streams of services that know nothing of keys when the key that they were opened with is revoked. Others do not notice: their calls end by themselves, or they watch it.</summary>
internal sealed class RevokedCalls : Interceptor
{
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        continuation(new WatchedRequests<TRequest>(requestStream, Caller.Of(context.GetHttpContext()).Revoked), responseStream, context);

    private sealed class WatchedRequests<TRequest>(IAsyncStreamReader<TRequest> requests, CancellationToken revoked) : IAsyncStreamReader<TRequest>
    {
        public TRequest Current => requests.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, revoked);
            try
            {
                return await requests.MoveNext(stop.Token).ConfigureAwait(false);
            }
            catch when (revoked.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw SessionEnd.Revoked.Failure!.ToRpcException();
            }
        }
    }
}
