using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoupeGrpc.Execution.Builds;

/// <summary>Everything that an engine depends on: ONNX Runtime does not notice when one of them changes.</summary>
/// <param name="Model">The package's hash.</param>
/// <param name="ProviderVersions">ONNX Runtime, the provider's library and what it stands on, the driver among them.</param>
/// <param name="Device">Name of the GPU.</param>
/// <param name="Options">The provider's options without the place of the cache, as <c>name=value</c> in ordinal order; profiles are among them.</param>
internal sealed record EngineCacheKey(
    string Model, string Provider, string Precision, IReadOnlyList<string> ProviderVersions, string Device, IReadOnlyList<int> Buckets, IReadOnlyList<string> Options)
{
    /// <summary>A directory's name: the provider's, and the first 16 hexadecimal digits of the key's SHA-256.</summary>
    [JsonIgnore]
    public string DirectoryName => $"{Provider}-{Convert.ToHexStringLower(SHA256.HashData(ToBytes()))[..16]}";

    /// <summary>The same for equal keys.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);
}
