using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// What becomes of a call whose request cannot be read, or that a fault of ours ended. gRPC answers both UNKNOWN, and logs both as errors with a stack
/// trace: whoever sends nonsense could fill the log.
/// </summary>
internal sealed class CallFaults(RequestDelegate next, ILogger<CallFaults> logger)
{
    /// <summary>gRPC's own word about the same.</summary>
    public const string RepeatedCategory = "Grpc.AspNetCore.Server.ServerCallHandler";

    private const string StatusHeader = "grpc-status";
    private const string MessageHeader = "grpc-message";

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context).ConfigureAwait(false);
        if (context.Features.Get<IServerCallContextFeature>()?.ServerCallContext is not { Status: { StatusCode: StatusCode.Unknown, DebugException: { } exception } } call)
        {
            return;
        }

        if (IsUnreadable(exception))
        {
            CallFaultsLog.Unreadable(logger, call.Peer, call.Method, exception.Message);
            Answer(context, StatusCode.InvalidArgument, "the request is not a message of this contract");
        }
        else if (!context.RequestAborted.IsCancellationRequested && exception is not OperationCanceledException)
        {
            CallFaultsLog.Faulted(logger, call.Method, exception);
            Answer(context, StatusCode.Internal, "an internal error of the server ended the call; its log has the reason");
        }
    }

    /// <summary>A message that is no protobuf, or is framed or compressed as gRPC does not.</summary>
    private static bool IsUnreadable(Exception exception) => exception is InvalidProtocolBufferException or InvalidDataException;

    /// <summary>In place of the status that is about to be sent.</summary>
    private static void Answer(HttpContext context, StatusCode status, string message)
    {
        var headers = context.Response.HasStarted ? context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers : context.Response.Headers;
        if (headers?.ContainsKey(StatusHeader) == true)
        {
            headers[StatusHeader] = ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture);
            // As it is sent percent-encoded: these are plain ASCII.
            headers[MessageHeader] = message;
        }
    }
}

internal static partial class CallFaultsLog
{
    [LoggerMessage(EventId = 520, Level = LogLevel.Information, Message = "Call of {Peer} to {Method} refused: its request cannot be read: {Reason}")]
    public static partial void Unreadable(ILogger logger, string peer, string method, string reason);

    [LoggerMessage(EventId = 521, Level = LogLevel.Error, Message = "An internal error ended a call to {Method}.")]
    public static partial void Faulted(ILogger logger, string method, Exception exception);
}
