using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Whether results can be had with a receipt.</summary>
internal sealed record ReceiptOptions
{
    [Setting("file of the key that signs receipts (key sign)", DefaultText = "none, no receipts")]
    public string Key { get; init; } = string.Empty;

    /// <summary>Whether they can.</summary>
    public bool AreSigned => Key.Length > 0;
}
