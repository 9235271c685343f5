namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>What is known of a decoded frame before its pixels are read.</summary>
/// <param name="Number">Its place in the stream, from 0; lost frames are counted.</param>
/// <param name="Seconds">Its time, from the start of the container.</param>
/// <param name="FfmpegSeconds">What ffmpeg takes for its time.</param>
/// <param name="Width">Pixels, as shown: rotated.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Damage">Why its pixels cannot be believed, in words that may follow "frame 7"; null when they can.</param>
/// <param name="LostBefore">The frames that are missing between the one before and this; null when there are none.</param>
internal sealed record FrameEntry(long Number, double Seconds, double FfmpegSeconds, int Width, int Height, string? Damage, Loss? LostBefore);
