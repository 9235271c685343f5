using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Internal;

/// <summary>What may stand between a client and its server, for messages: only the proxy's own settings help then.</summary>
internal static partial class ProxyHints
{
    public const string LargeMessages =
        "a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)";

    public const string LongCalls =
        "a proxy in between may end calls that are large or long (nginx: client_max_body_size, client_body_timeout, grpc_read_timeout, grpc_send_timeout)";

    /// <summary>What an answer without gRPC in it means.</summary>
    /// <param name="detail">What the gRPC library says.</param>
    /// <returns>Null where the answer was gRPC.</returns>
    public static string? OfHttpAnswer(string detail) => HttpStatus().Match(detail) is { Success: true } match
        ? match.Groups[1].Value switch
        {
            "413" => $"a proxy answered with HTTP 413: {LargeMessages}",
            "401" => "it answered with HTTP 401: it wants to know who calls",
            "403" => "it answered with HTTP 403: it knows who calls, and forbids it",
            "502" or "503" => $"a proxy answered with HTTP {match.Groups[1].Value}: it does not reach the server",
            "504" => "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)",
            var status => $"something that does not speak gRPC answered with HTTP {status}",
        }
        : null;

    [GeneratedRegex("HTTP status code: ([0-9]{3})")]
    private static partial Regex HttpStatus();
}
