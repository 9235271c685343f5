using System.Runtime.CompilerServices;
using LoupeGrpc.Launch;
using LoupeGrpc.Server.Commands;

return ProcessLimits.HaveRoom() ? await StartAsync(args).ConfigureAwait(false) : ExitCode.Failure;

// What a method mentions is loaded before it runs: nothing may be, before it is known that there is room for it.
[MethodImpl(MethodImplOptions.NoInlining)]
static Task<int> StartAsync(string[] args)
{
    StandardStreams.EnsureOpen();
#pragma warning disable RS0030 // Here the console is given to the commands.
    return ServerCommandLine.RunAsync(args, Console.Out, Console.Error, CancellationToken.None);
#pragma warning restore RS0030
}
