using LoupeGrpc.Execution;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The program that lies beside the tests, as what runs a ladder.</summary>
internal static class TestHost
{
    /// <param name="cacheDirectory">Null: nothing is kept.</param>
    public static ExecutionHost Create(string? cacheDirectory) =>
        new() { Program = ServerProcess.Program, CacheDirectory = cacheDirectory, TrialGraph = TestTrial.Graph };
}
