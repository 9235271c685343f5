using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>The budget that the frames of all calls share.</summary>
internal sealed class ServerBytes(LoupeOptions options) : IDisposable
{
    public ByteBudget Budget { get; } = new(options.Limits.MaxBufferedBytes);

    public void Dispose() => Budget.Dispose();
}
