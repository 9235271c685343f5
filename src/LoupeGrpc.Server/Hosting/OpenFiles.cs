namespace LoupeGrpc.Server.Hosting;

/// <summary>How the files that this process may have open are shared out.</summary>
internal static class OpenFiles
{
    /// <summary>Connections of probes and of those who read metrics.</summary>
    public const int OperationsConnections = 32;

    /// <summary>Assemblies, models, sockets that listen, and pipes of child processes.</summary>
    private const int OwnFiles = 384;

    private const int LeastConnections = 16;

    /// <summary>Connections to the addresses of gRPC and the web together.</summary>
    /// <param name="limit">Of open files; null: none.</param>
    /// <param name="wanted">0: as many as there is room for.</param>
    public static int Connections(ulong? limit, int wanted)
    {
        var room = limit is { } files && files < int.MaxValue ? Math.Max(LeastConnections, (int)files - OwnFiles - OperationsConnections) : int.MaxValue;
        return wanted == 0 ? room : Math.Min(wanted, room);
    }
}
