using LoupeGrpc.Client.Cli.CommandLine;

using var host = CliHost.ForProcess();
return await CommandLineApp.RunAsync(args, host);
