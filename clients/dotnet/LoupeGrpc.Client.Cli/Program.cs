using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Launch;

StandardStreams.EnsureOpen();
using var host = CliHost.ForProcess();
return await CommandLineApp.RunAsync(RawArguments.Of(args), host);
