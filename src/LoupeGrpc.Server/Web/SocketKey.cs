using Microsoft.Net.Http.Headers;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// A browser sends no headers of its own with a WebSocket. What it may choose are the names of protocols, so a key or a token comes as one, behind
/// <see cref="Prefix"/>, beside <see cref="Protocol"/>; it is taken as what other clients send as <c>authorization: Bearer …</c>.
/// </summary>
internal static class SocketKey
{
    /// <summary>What is spoken.</summary>
    public const string Protocol = "loupe.v1";

    public const string Prefix = "loupe.key.";

    /// <summary>Before anybody asks who calls.</summary>
    public static Task TakeAsync(HttpContext http, RequestDelegate next)
    {
        if (http.WebSockets.IsWebSocketRequest && !http.Request.Headers.ContainsKey(HeaderNames.Authorization)
            && http.WebSockets.WebSocketRequestedProtocols.FirstOrDefault(static name => name.StartsWith(Prefix, StringComparison.Ordinal)) is { } sent)
        {
            http.Request.Headers.Authorization = $"Bearer {sent[Prefix.Length..]}";
        }

        return next(http);
    }
}
