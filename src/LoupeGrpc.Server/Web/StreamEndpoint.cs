using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// <c>/v1/stream</c>: a session over a WebSocket, for browsers. Each binary message is one <c>AnalyzeRequest</c> or <c>AnalyzeResponse</c>, and what serves it is
/// what serves gRPC. A call that ends well is closed with 1000; else a text message says why (<c>{"code":…,"detail":…,"status":…}</c>, the status of gRPC), and
/// the code it is closed with is that status and 4000.
/// </summary>
internal sealed class StreamEndpoint(SessionCalls calls, MessageRoom room, LoupeOptions options, TimeProvider time, ILogger<StreamEndpoint> logger)
{
    private const int FirstStatus = 4000;

    /// <summary>Bytes of a reason, by the protocol.</summary>
    private const int MaxReason = 123;

    /// <summary>For a client to close, too.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(2);

    private readonly WebOrigins _origins = WebOrigins.Parse(options.Web.Origins);

    public async Task AnswerAsync(HttpContext http)
    {
        if (Check(http) is { } problem)
        {
            await problem.WriteAsync(http).ConfigureAwait(false);
            return;
        }

        var offered = http.WebSockets.WebSocketRequestedProtocols;
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = offered.Count > 0 ? SocketKey.Protocol : null,
            KeepAliveInterval = options.Connections.PingInterval,
            KeepAliveTimeout = options.Connections.PingInterval,
        }).ConfigureAwait(false);
        using var messages = new SocketMessages(socket, http, room, options);
        var failure = await ServeAsync(http, messages).ConfigureAwait(false);
        if (failure is null)
        {
            await messages.CloseAsync(WebSocketCloseStatus.NormalClosure, string.Empty, null, ClosePatience, time).ConfigureAwait(false);
        }
        else
        {
            var status = failure.StatusNumber();
            await messages.CloseAsync((WebSocketCloseStatus)(FirstStatus + status), Shortened(failure.Message), TextOf(failure, status), ClosePatience, time).ConfigureAwait(false);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever it is, the client is told that it is a fault of ours.")]
    private async Task<CallFailure?> ServeAsync(HttpContext http, SocketMessages messages)
    {
        try
        {
            return await calls.ServeAsync(new BinaryCallStream(messages)).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            WebLog.Faulted(logger, http.Request.Path, exception);
            return CallFailure.Internal("an internal error of the server ended the session; its log has the reason");
        }
    }

    private Problem? Check(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.Headers.Upgrade = "websocket";
            return new Problem(StatusCodes.Status426UpgradeRequired, "UNSUPPORTED", "sessions are WebSockets here: one AnalyzeRequest or AnalyzeResponse in each binary message");
        }

        // Any page that somebody looks at may open a WebSocket to any address, and is let in with what the browser holds of its user.
        if (!_origins.Allow(http.Request))
        {
            return new Problem(StatusCodes.Status403Forbidden, "PERMISSION_DENIED", $"pages of {http.Request.Headers.Origin} may not come here: Loupe:Web:Origins");
        }

        return http.WebSockets.WebSocketRequestedProtocols is { Count: > 0 } offered && !offered.Contains(SocketKey.Protocol)
            ? Problem.Invalid($"the WebSocket offers protocols, and {SocketKey.Protocol} is none of them")
            : null;
    }

    private static string TextOf(CallFailure failure, int status) =>
        new JsonObject { ["code"] = Problem.Of(failure.Failure).Code, ["detail"] = failure.Message, ["status"] = status }.ToJsonString();

    private static string Shortened(string text)
    {
        var end = text.Length;
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, end)) > MaxReason || (end > 0 && char.IsHighSurrogate(text[end - 1])))
        {
            end--;
        }

        return text[..end];
    }
}
