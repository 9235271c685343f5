namespace LoupeGrpc.Server.Commands;

/// <summary>What the process returns. Scripts stand on these.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The server could not start, or the command could not do what it was asked for.</summary>
    public const int Failure = 1;

    /// <summary>Wrong settings or wrong usage.</summary>
    public const int Usage = 2;

    /// <summary>The device that served is lost; whoever started the server should start it again.</summary>
    public const int DeviceLost = 71;

    /// <summary>Interrupted: 128 and the number of SIGINT.</summary>
    public const int Interrupted = 130;
}
