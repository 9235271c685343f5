using LoupeGrpc.Client.Cli.CommandLine;

using var host = CliHost.ForProcess();
return await CommandLineApp.RunAsync(RawArguments.Of(args), host);
