namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Videos cannot be read on this machine. The message says what to install.</summary>
internal sealed class VideoUnavailableException(string message) : Exception(message);
