namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>A program that this one needs is not here, or does not start. The message says what to do.</summary>
internal sealed class ProgramUnavailableException(string message) : Exception(message);
