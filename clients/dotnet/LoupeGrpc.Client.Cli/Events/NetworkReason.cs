using System.Net.Sockets;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Why a receiver is not there, for people.</summary>
internal static class NetworkReason
{
    public static string Of(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted => "it hung up",
        SocketError.HostNotFound => "there is no machine of its name",
        _ => $"it cannot be reached: {error.Message}",
    };
}
