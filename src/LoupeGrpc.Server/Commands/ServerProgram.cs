using System.Collections;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Execution;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary>This program, as what runs the ladder.</summary>
internal static class ServerProgram
{
    public static TrialGraph TrialGraph { get; } = new(OneNodeGraph.Write(), OneNodeGraph.Input, OneNodeGraph.Output, OneNodeGraph.Length);

    /// <summary>Beside this assembly, whatever process has loaded it.</summary>
    private static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "loupe-grpc-server.exe" : "loupe-grpc-server");

    /// <param name="loaded">Shared with the processes that are started.</param>
    public static ExecutionHost AsHost(LoadedSettings loaded, IDictionary environment) => new()
    {
        Program = Path,
        Settings = loaded.ToArguments(),
        CacheDirectory = EmbeddedModel.CacheDirectory(loaded.Options, environment),
        TrialGraph = TrialGraph,
    };
}
