namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>A frame as it came out of a stream.</summary>
/// <param name="Entry">What is known of it.</param>
/// <param name="LostBefore">What is missing between the frame that was read before and this one, in order.</param>
/// <param name="Pixels">BGR without padding, valid until the next read unless the reader keeps frames; null when it is larger than anything is sent.</param>
internal sealed record VideoFrame(FrameEntry Entry, IReadOnlyList<Loss> LostBefore, ReadOnlyMemory<byte>? Pixels);
