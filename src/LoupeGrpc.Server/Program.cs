using LoupeGrpc.Server.Commands;
using LoupeGrpc.Server.Hosting;

if (!ProcessLimits.HaveRoom())
{
    return ExitCode.Failure;
}

StandardStreams.EnsureOpen();
return await ServerCommandLine.RunAsync(args, Console.Out, Console.Error, CancellationToken.None).ConfigureAwait(false);
