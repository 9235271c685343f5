using System.Net.Sockets;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Hosting;

/// <summary>An address cannot be listened on. The message names the setting.</summary>
internal sealed class ListenException(ListenUrl url, string settings, SocketException reason)
    : Exception($"cannot listen on {url}: {reason.Message.TrimEnd('.')}. Choose another address with {settings}.", reason);
