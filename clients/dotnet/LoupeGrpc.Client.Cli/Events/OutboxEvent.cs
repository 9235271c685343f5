namespace LoupeGrpc.Client.Cli.Events;

/// <summary>An event that waits.</summary>
/// <param name="id">The same in every repetition.</param>
/// <param name="length">Bytes.</param>
internal sealed class OutboxEvent(string id, int length)
{
    public string Id { get; } = id;

    public int Length { get; } = length;

    /// <summary>Where it begins in the file; -1: it is not in it.</summary>
    public long Offset { get; set; } = -1;

    /// <summary>The event itself, where the file does not have it.</summary>
    public byte[]? Bytes { get; set; }
}
