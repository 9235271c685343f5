using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>What browsers may do.</summary>
internal sealed record WebOptions
{
    /// <summary>Beside the server's own.</summary>
    [Setting("other origins whose pages may call")]
    [Origins]
    public string Origins { get; init; } = OriginsAttribute.None;
}

/// <summary>Origins of pages, with spaces between them.</summary>
internal sealed class OriginsAttribute()
    : FormAttribute($"expected origins as browsers send them, SCHEME://HOST[:PORT] without a path, with spaces between them, or {All} or {None}", $"origins, {All} or {None}")
{
    /// <summary>Every page.</summary>
    public const string All = "*";

    public const string None = "none";

    public static string[] Split(string text) => text == None ? [] : text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public override bool IsValid(object? value) => value is string text && Split(text).All(static origin => origin == All || IsOrigin(origin));

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && uri.GetLeftPart(UriPartial.Authority) == text;
}
