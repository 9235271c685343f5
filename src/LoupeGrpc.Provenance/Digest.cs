using System.Security.Cryptography;

namespace LoupeGrpc.Provenance;

/// <summary>The hash functions of C2PA.</summary>
internal static class Digest
{
    public const string Default = "sha256";

    /// <summary>Null: it is none of them.</summary>
    public static HashAlgorithmName? Find(string name) => name switch
    {
        "sha256" => HashAlgorithmName.SHA256,
        "sha384" => HashAlgorithmName.SHA384,
        "sha512" => HashAlgorithmName.SHA512,
        _ => null,
    };

    public static byte[] Of(HashAlgorithmName algorithm, ReadOnlySpan<byte> data) => CryptographicOperations.HashData(algorithm, data);
}
