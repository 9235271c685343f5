using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>A setting that is several words of one kind, with spaces between them, or one of two that say it for all.</summary>
/// <inheritdoc/>
internal abstract class WordsAttribute(string expected, string range)
    : FormAttribute($"expected {expected}, with spaces between them, or {All} or {None}", $"{range}, {All} or {None}")
{
    /// <summary>Every one.</summary>
    public const string All = "*";

    public const string None = "none";

    public static string[] Split(string text) => text == None ? [] : text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public override bool IsValid(object? value) => value is string text && Split(text).All(word => word == All || Allows(word));

    protected abstract bool Allows(string word);
}
