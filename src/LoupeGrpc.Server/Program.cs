using LoupeGrpc.Launch;
using LoupeGrpc.Server.Commands;
using LoupeGrpc.Server.Hosting;

if (!ProcessLimits.HaveRoom())
{
    return ExitCode.Failure;
}

StandardStreams.EnsureOpen();

#pragma warning disable RS0030 // Here the console is given to the commands.
return await ServerCommandLine.RunAsync(args, Console.Out, Console.Error, CancellationToken.None).ConfigureAwait(false);
