namespace LoupeGrpc.Server.Execution;

/// <summary>This program, for the processes of its own that it starts.</summary>
internal static class ServerProgram
{
    /// <summary>Beside this assembly, whatever process has loaded it.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "loupe-grpc-server.exe" : "loupe-grpc-server");
}
