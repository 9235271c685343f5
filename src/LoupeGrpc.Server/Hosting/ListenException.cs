using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Hosting;

/// <summary>An address cannot be listened on. The message names the setting.</summary>
internal sealed class ListenException(ListenUrl url, string settings, string reason, Exception? inner = null)
    : Exception($"cannot listen on {url}: {reason.TrimEnd('.')}. Choose another address with {settings}.", inner);
