using System.Runtime.CompilerServices;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Commands;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Launch;

return ProcessLimits.HaveRoom() ? await StartAsync(args) : (int)ExitCode.Internal;

// What a method mentions is loaded before it runs: nothing may be, before it is known that there is room for it.
[MethodImpl(MethodImplOptions.NoInlining)]
static Task<int> StartAsync(string[] args)
{
    StandardStreams.EnsureOpen();
    return RunAsync(args);
}

[MethodImpl(MethodImplOptions.NoInlining)]
static async Task<int> RunAsync(string[] args)
{
    using var host = CliHost.ForProcess();
    return await CommandLineApp.RunAsync(RawArguments.Of(args), host);
}
