using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Calls;

/// <summary>
/// What becomes of a call whose request cannot be read, or that a fault of ours ended. gRPC answers the latter and what is no message UNKNOWN, and logs both as
/// errors with a stack trace: whoever sends nonsense could fill the log. What it answers itself has no details, which the contract promises.
/// </summary>
internal sealed class CallFaults(RequestDelegate next, LoupeOptions options, ILogger<CallFaults> logger)
{
    /// <summary>gRPC's own word about the same.</summary>
    public const string RepeatedCategory = "Grpc.AspNetCore.Server.ServerCallHandler";

    public async Task InvokeAsync(HttpContext context)
    {
        if (MetadataLimit.Check(context) is { } tooLarge)
        {
            string method = context.Request.Path;
            var peer = $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}";
            CallFaultsLog.Unreadable(logger, peer, method, tooLarge.Message);
            GrpcStatus.AnswerAtOnce(context, tooLarge);
            return;
        }

        await next(context).ConfigureAwait(false);
        if (context.Features.Get<IServerCallContextFeature>()?.ServerCallContext is not { } call)
        {
            return;
        }

        if (call.Status.DebugException is { } exception && IsBroken(exception))
        {
            // Over HTTP/1.1 Kestrel would read on behind what could not be read, and log an error that it cannot.
            context.Abort();
        }
        else if (Explain(call, context) is { } failure)
        {
            GrpcStatus.Replace(context, failure);
        }
    }

    /// <summary>Kestrel's words for a client that ends its call, or a connection that breaks, may come before the call's token tells.</summary>
    internal static bool IsGone(Exception exception) =>
        exception is OperationCanceledException || IsBroken(exception)
        // Other errors of reading or writing are of files, and ours.
        || (exception is IOException && exception.Message.Contains("reset the request stream", StringComparison.Ordinal));

    /// <summary>Whether the connection broke, with all of its calls.</summary>
    internal static bool IsBroken(Exception exception) =>
        exception is ConnectionResetException or ConnectionAbortedException or { InnerException: ConnectionResetException or ConnectionAbortedException };

    /// <summary>Null where the status stays as it is.</summary>
    private CallFailure? Explain(ServerCallContext call, HttpContext context)
    {
        switch (call.Status)
        {
            case { StatusCode: StatusCode.Unknown, DebugException: InvalidProtocolBufferException or InvalidDataException }:
                // A message that is no protobuf, or is framed or compressed as gRPC does not.
                CallFaultsLog.Unreadable(logger, call.Peer, call.Method, call.Status.DebugException.Message);
                return CallFailure.Invalid("the request is not a message of this contract");
            case { StatusCode: StatusCode.Unknown, DebugException: { } exception } when !context.RequestAborted.IsCancellationRequested && !IsGone(exception):
                CallFaultsLog.Faulted(logger, call.Method, exception);
                return CallFailure.Internal("an internal error of the server ended the call; its log has the reason");
            case { StatusCode: StatusCode.ResourceExhausted } when !GrpcStatus.HasDetails(call):
                CallFaultsLog.Unreadable(logger, call.Peer, call.Method, call.Status.Detail);
                return LimitMessages.MessageTooLarge(options);
            default:
                return null;
        }
    }
}

/// <summary>The status of a gRPC call as HTTP carries it.</summary>
internal static class GrpcStatus
{
    private const string DetailsHeader = "grpc-status-details-bin";

    public static bool HasDetails(ServerCallContext call) => call.ResponseTrailers.Get(DetailsHeader) is not null;

    /// <summary>In place of the status that is about to be sent.</summary>
    public static void Replace(HttpContext context, CallFailure failure)
    {
        var headers = context.Response.HasStarted ? context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers : context.Response.Headers;
        if (headers?.ContainsKey(GrpcHeaders.Status) == true)
        {
            var ending = failure.ToRpcException();
            GrpcHeaders.WriteStatus(headers, ending.StatusCode, failure.Message);
            AddDetails(headers, ending);
        }
    }

    /// <summary>Before anything of the call was read.</summary>
    public static void AnswerAtOnce(HttpContext context, CallFailure failure)
    {
        var ending = failure.ToRpcException();
        GrpcHeaders.AnswerAtOnce(context.Response, ending.StatusCode, failure.Message);
        AddDetails(context.Response.Headers, ending);
    }

    private static void AddDetails(IHeaderDictionary headers, RpcException ending) =>
        headers[DetailsHeader] = Convert.ToBase64String(ending.Trailers.GetValueBytes(DetailsHeader)!);
}

internal static partial class CallFaultsLog
{
    [LoggerMessage(EventId = 520, Level = LogLevel.Information, Message = "Call of {Peer} to {Method} refused: its request cannot be read: {Reason}")]
    public static partial void Unreadable(ILogger logger, string peer, string method, string reason);

    [LoggerMessage(EventId = 521, Level = LogLevel.Error, Message = "An internal error ended a call to {Method}.")]
    public static partial void Faulted(ILogger logger, string method, Exception exception);
}
