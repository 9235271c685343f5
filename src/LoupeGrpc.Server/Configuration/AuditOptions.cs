using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Where it is kept who opened, ended, administered and was refused.</summary>
internal sealed record AuditOptions
{
    [Setting("file of the audit log, a JSON object a line", DefaultText = "none")]
    public string File { get; init; } = string.Empty;

    /// <summary>Of the file and the three before it, FILE.1 to FILE.3.</summary>
    [Setting("bytes that it and the files before it take")]
    [Bytes(64 << 10, 1L << 40)]
    public long MaxBytes { get; init; } = 64L << 20;
}
