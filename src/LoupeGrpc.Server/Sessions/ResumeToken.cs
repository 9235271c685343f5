using System.Security.Cryptography;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// The secret by which a session is resumed: 32 random bytes that stay the same as long as the session lasts. Sessions are found by its digest, so
/// how long a search takes says nothing about a token.
/// </summary>
internal sealed class ResumeToken
{
    private const int Length = 32;

    private readonly byte[] _value;

    public ResumeToken()
        : this(RandomNumberGenerator.GetBytes(Length))
    {
    }

    /// <summary>That of a session which another server gave it to.</summary>
    public ResumeToken(ReadOnlySpan<byte> value)
    {
        _value = value.ToArray();
        Digest = DigestOf(_value);
    }

    /// <summary>Not a secret.</summary>
    public string Digest { get; }

    public static string DigestOf(ReadOnlySpan<byte> token) => Convert.ToHexStringLower(SHA256.HashData(token));

    /// <summary>In constant time.</summary>
    public bool Matches(ReadOnlySpan<byte> token) => CryptographicOperations.FixedTimeEquals(token, _value);

    public ReadOnlyMemory<byte> Value => _value;
}
