using LoupeGrpc.Server.Commands;

return await ServerCommandLine.RunAsync(args, Console.Out, Console.Error, CancellationToken.None).ConfigureAwait(false);
