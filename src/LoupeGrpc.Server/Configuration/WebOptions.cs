using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>What browsers may do.</summary>
internal sealed record WebOptions
{
    /// <summary>Beside the server's own.</summary>
    [Setting("other origins whose pages may call")]
    [Origins]
    public string Origins { get; init; } = WordsAttribute.None;
}

/// <summary>Origins of pages.</summary>
internal sealed class OriginsAttribute() : WordsAttribute("origins as browsers send them, SCHEME://HOST[:PORT] without a path", "origins")
{
    protected override bool Allows(string word) =>
        Uri.TryCreate(word, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.GetLeftPart(UriPartial.Authority) == word;
}
