using System.Net.Sockets;
using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Internal;

/// <summary>The one place where gRPC statuses become this library's exceptions and codes.</summary>
internal static class RpcErrors
{
    public static LoupeFailureCode ToCode(FailureCode code) => code switch
    {
        FailureCode.Invalid => LoupeFailureCode.Invalid,
        FailureCode.TooLarge => LoupeFailureCode.TooLarge,
        FailureCode.Unsupported => LoupeFailureCode.Unsupported,
        FailureCode.Overloaded => LoupeFailureCode.Overloaded,
        FailureCode.Canceled => LoupeFailureCode.Canceled,
        FailureCode.ModelFault => LoupeFailureCode.ModelFault,
        FailureCode.Expired => LoupeFailureCode.Expired,
        _ => LoupeFailureCode.Internal,
    };

    /// <summary>For a call outside sessions, or the opening of one.</summary>
    public static LoupeException ToException(RpcException error, string address)
    {
        if (error.GetRpcStatus()?.GetDetail<Failed>() is { } failed)
        {
            return new LoupeRequestException(ToCode(failed.Code), failed.Message, error);
        }

        if (IsRefusal(error))
        {
            return ToRefusal(error, address);
        }

        if (ProxyHints.OfHttpAnswer(error.Status.Detail) is { } hint)
        {
            return new LoupeUnavailableException($"no LoupeGrpc server at {address}: {hint}", error);
        }

        return error.StatusCode switch
        {
            StatusCode.Unavailable => HungUp(error) ? Broken(address, error) : Unreachable(address, error),
            StatusCode.Unimplemented => new LoupeUnavailableException(
                $"what answers at {address} is not a LoupeGrpc server, or is an older one ({Detail(error)})", error),
            StatusCode.InvalidArgument => new LoupeRequestException(LoupeFailureCode.Invalid, error.Status.Detail, error),
            StatusCode.ResourceExhausted => new LoupeRequestException(LoupeFailureCode.Overloaded, error.Status.Detail, error),
            StatusCode.DeadlineExceeded => new LoupeRequestException(LoupeFailureCode.Expired, error.Status.Detail, error),
            _ when IsCanceledByNobody(error) => new LoupeUnavailableException(
                Causes.Of<TimeoutException>(error.Status.DebugException) is null
                    ? $"the call to {address} was canceled on its way, by none of us: {Detail(error)}"
                    : $"{address} did not take a connection within {LoupeClient.HandshakeTimeout.TotalSeconds:0} s: it is busy, or what listens there is no LoupeGrpc server",
                error),
            _ when IsReset(error) => Broken(address, error),
            _ when error.Status.DebugException is HttpRequestException => new LoupeUnavailableException(
                $"what answers at {address} does not speak gRPC: use the address in the server's `ready` line ({Detail(error)})", error),
            _ => new LoupeRequestException(LoupeFailureCode.Internal, $"{error.StatusCode}: {error.Status.Detail}", error),
        };
    }

    /// <summary>For a session that ran.</summary>
    public static LoupeException ToSessionFault(RpcException error, string address)
    {
        if (IsRefusal(error))
        {
            return ToRefusal(error, address);
        }

        var what = error.Status.DebugException is null
            ? $"the server at {address} ended the session"
            : $"the connection to {address} broke";
        return new LoupeConnectionLostException($"{what} ({error.StatusCode}: {Detail(error)})", error);
    }

    /// <summary>Whether the server, or a proxy before it, does not know us or forbids it.</summary>
    private static bool IsRefusal(RpcException error) => error.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied;

    private static LoupeRefusedException ToRefusal(RpcException error, string address) =>
        new($"the server at {address} {(error.StatusCode == StatusCode.Unauthenticated ? "does not let us in" : "does not let us do that")}: {Detail(error)}", error);

    /// <summary>The way to the server failed, not the server: another connection may do better.</summary>
    public static bool IsTransport(RpcException error) => error.StatusCode == StatusCode.Unavailable
        || (error.StatusCode is StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled or StatusCode.DeadlineExceeded
            && error.Status.DebugException is IOException or HttpRequestException or SocketException or OperationCanceledException);

    /// <summary>A connection that spoke HTTP/2 broke.</summary>
    public static bool IsReset(RpcException error) =>
        IsTransport(error) && error.Status.DebugException is IOException or HttpRequestException { InnerException: HttpProtocolException };

    /// <summary>The HTTP client gave up, and not because somebody asked it to: a connection, with its handshake, was not there in time.</summary>
    public static bool IsCanceledByNobody(RpcException error) => error is { StatusCode: StatusCode.Cancelled, Status.DebugException: OperationCanceledException };

    /// <summary>Somebody took the connection and closed it before anything was said: what speaks HTTP/1.1 does so, and a server that ends.</summary>
    public static bool HungUp(RpcException error) => Causes.Of<IOException>(error.Status.DebugException) is not null
        || Causes.Of<SocketException>(error.Status.DebugException)?.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown;

    private static LoupeUnavailableException Broken(string address, RpcException error) =>
        new($"the connection to {address} broke; if it does so again, what answers there does not speak gRPC: use the address in the server's `ready` line ({Detail(error)})", error);

    private static LoupeUnavailableException Unreachable(string address, RpcException error) =>
        new($"no LoupeGrpc server at {address}: is it running? Start it with `loupe-grpc-server serve` ({SocketDetail(address, error) ?? Detail(error)})", error);

    /// <summary>Of Unix domain sockets the system says what it would say of a network.</summary>
    private static string? SocketDetail(string address, RpcException error)
    {
        if (!address.StartsWith("unix:", StringComparison.Ordinal))
        {
            return null;
        }

        var path = address["unix:".Length..];
        return Causes.Of<SocketException>(error.Status.DebugException)?.SocketErrorCode switch
        {
            SocketError.AddressNotAvailable => $"there is no socket {path}",
            SocketError.ConnectionRefused => $"nobody listens on {path}",
            SocketError.AccessDenied => $"{path} may not be opened by this user",
            _ => null,
        };
    }

    /// <summary>The cause in one line: the outer messages only repeat that a call could not be started, the innermost ones are about sockets.</summary>
    private static string Detail(RpcException error)
    {
        if (ProxyHints.OfHttpAnswer(error.Status.Detail) is { } hint)
        {
            return hint;
        }

        var cause = error.Status.DebugException;
        var text = (cause is HttpRequestException ? cause.InnerException ?? cause : cause)?.Message ?? error.Status.Detail;
        return text.ReplaceLineEndings(" ").TrimEnd('.');
    }
}
