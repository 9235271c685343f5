using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace LoupeGrpc.Server.Security;

/// <summary>A key as it is kept: 256 random bits, of which only a hash stays, so that who reads the file gets in nowhere.</summary>
/// <param name="Hash">SHA-256 of the key's text, hexadecimal in lower case.</param>
/// <param name="Sessions">Open at a time; null: as the server's settings say.</param>
/// <param name="FramesPerSecond">Of all its sessions; null: as the server's settings say.</param>
internal sealed record AccessKey(
    string Name,
    string Role,
    string Hash,
    DateTimeOffset Added,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Sessions = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? FramesPerSecond = null)
{
    /// <summary>What every key begins with: a search for leaked secrets can find them, and a token of a provider is told from them.</summary>
    public const string Prefix = "loupe_";

    public const int MaxNameLength = 64;

    private const int SecretBytes = 32;

    /// <returns>The text to be given away, which is kept nowhere.</returns>
    public static string NewSecret() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>In constant time.</summary>
    /// <param name="hash">As <see cref="HashOf"/> gives it.</param>
    public bool Has(string hash) => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(Hash));

    /// <summary>Names stand in logs, headers and on command lines.</summary>
    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= MaxNameLength } && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' or '@');

    /// <returns>What is wrong with it; null: nothing.</returns>
    public string? Problem() =>
        !IsName(Name) ? $"a name is 1 to {MaxNameLength} letters, digits and . _ - @"
        : Roles.Of(Role) is null ? $"the role of {Name} is '{Role}', none of analyse, admin, observe"
        : Hash is not { Length: 2 * SHA256.HashSizeInBytes } || !Hash.All(char.IsAsciiHexDigitLower) ? $"the hash of {Name} is not 64 lower-case hexadecimal digits"
        : Sessions < 1 ? $"{Name} may have {Sessions} sessions, which is less than 1"
        : FramesPerSecond is { } rate && !(rate > 0 && double.IsFinite(rate)) ? $"{Name} may send no frames"
        : null;
}
