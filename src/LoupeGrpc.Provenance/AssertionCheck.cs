using System.Security.Cryptography;

namespace LoupeGrpc.Provenance;

/// <summary>Whether the assertions in a manifest are those that its claim names: each once, each with its hash, and no other. Every box is hashed once at most.</summary>
internal static class AssertionCheck
{
    public static CredentialsCheck Check(ActiveManifest manifest, Claim claim)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var box in claim.Boxes)
        {
            if (box.Path is null)
            {
                return CredentialsCheck.Fails("the claim names an assertion of another manifest");
            }

            string shown = PlainText.Clean(box.Path, PlainText.Short);
            if (!named.Add(box.Path))
            {
                return CredentialsCheck.Fails($"the claim names {shown} twice");
            }

            if (!manifest.Stores.TryGetValue(box.Path, out var found))
            {
                return CredentialsCheck.Fails($"{shown}, which the claim names, is missing");
            }

            if (Digest.Find(box.Algorithm ?? claim.Algorithm) is not { } algorithm)
            {
                return CredentialsCheck.NotJudged($"{shown} has a hash of a kind that is not known here: {PlainText.Clean(box.Algorithm ?? claim.Algorithm, PlainText.Short)}");
            }

            if (!CryptographicOperations.FixedTimeEquals(Digest.Of(algorithm, found.Content.Span), box.Hash.Span))
            {
                return CredentialsCheck.Fails($"{shown} is not what was signed");
            }
        }

        return manifest.Assertions.FirstOrDefault(path => !named.Contains(path)) is { } stray
            ? CredentialsCheck.Fails($"{PlainText.Clean(stray, PlainText.Short)} is not named by the claim")
            : CredentialsCheck.Holds;
    }
}
