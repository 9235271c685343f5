namespace LoupeGrpc.Provenance;

/// <summary>A hash of a box, and where that stands.</summary>
/// <param name="Path">Inside the active manifest, as <c>c2pa.assertions/c2pa.actions</c>; null: it leads somewhere else.</param>
/// <param name="Algorithm">Null: the claim's.</param>
internal sealed record ClaimedBox(string? Path, ReadOnlyMemory<byte> Hash, string? Algorithm);

/// <summary>A claim, of either version.</summary>
internal sealed record Claim(string Generator, string Title, string Format, string Algorithm, string? Signature, IReadOnlyList<ClaimedBox> Boxes)
{
    private const int MostBoxes = 4096;
    private const string Scheme = "self#jumbf=";

    /// <param name="manifest">Label of the manifest that it stands in.</param>
    /// <exception cref="CredentialsException"/>
    public static Claim Read(ReadOnlyMemory<byte> data, string manifest)
    {
        var claim = CborNode.Read(data, "the claim");
        if (!claim.IsMap)
        {
            throw new CredentialsException("the claim is no map");
        }

        List<ClaimedBox> boxes = [];
        foreach (var list in (string[])["assertions", "created_assertions", "gathered_assertions"])
        {
            foreach (var box in claim[list]?.Items ?? [])
            {
                if (box["url"]?.Text is not { } address || box["hash"]?.Bytes is not { } hash || boxes.Count == MostBoxes)
                {
                    throw new CredentialsException("an assertion that the claim names has no address or no hash, or there are too many");
                }

                boxes.Add(new ClaimedBox(PathOf(address, manifest), hash, box["alg"]?.Text));
            }
        }

        return new Claim(
            PlainText.Clean(GeneratorOf(claim), PlainText.Long),
            PlainText.Clean(claim["dc:title"]?.Text ?? string.Empty, PlainText.Long),
            PlainText.Clean(claim["dc:format"]?.Text ?? string.Empty, PlainText.Short),
            claim["alg"]?.Text ?? Digest.Default,
            claim["signature"]?.Text is { } signature ? PathOf(signature, manifest) : null,
            boxes);
    }

    /// <summary>A map in the second version; in the first a list of them beside a text as of user agents.</summary>
    private static string GeneratorOf(CborNode claim)
    {
        var info = claim["claim_generator_info"];
        var first = info is { IsMap: true } ? info : info?.Items?.Count > 0 ? info.Items[0] : null;
        return first?["name"]?.Text is { } name
            ? first["version"]?.Text is { } version ? $"{name} {version}" : name
            : claim["claim_generator"]?.Text ?? string.Empty;
    }

    /// <summary>Addresses are relative to the manifest, or begin with the store and the manifest's label.</summary>
    private static string? PathOf(string address, string manifest)
    {
        if (!address.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return null;
        }

        var path = address[Scheme.Length..];
        var own = $"/c2pa/{manifest}/";
        return path.StartsWith(own, StringComparison.Ordinal) ? path[own.Length..] : path.StartsWith('/') ? null : path;
    }
}
