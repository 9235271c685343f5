namespace LoupeGrpc.Provenance;

/// <summary>The manifest that a store means: its last.</summary>
/// <param name="Label">Of the active manifest.</param>
/// <param name="Claim">CBOR, as it was signed.</param>
/// <param name="Signature">COSE_Sign1.</param>
/// <param name="Stores">Boxes by the path that a claim names them by, as <c>c2pa.assertions/c2pa.actions</c>.</param>
/// <param name="Assertions">Paths of all assertions, in order.</param>
internal sealed record ActiveManifest(
    string Label, int Manifests, bool IsUpdate, ReadOnlyMemory<byte> Claim, ReadOnlyMemory<byte> Signature, IReadOnlyDictionary<string, JumbfSuperbox> Stores, IReadOnlyList<string> Assertions)
{
    public const string AssertionStore = "c2pa.assertions";
    public const string SignatureLabel = "c2pa.signature";

    private const string StoreLabel = "c2pa";
    private const int MostManifests = 1024;

    // Of what the path of a claim may lead to.
    private static readonly string[] StoreLabels = [AssertionStore, "c2pa.credentials", "c2pa.databoxes"];

    /// <param name="data">A JUMBF superbox.</param>
    /// <exception cref="CredentialsException"/>
    public static ActiveManifest Read(ReadOnlyMemory<byte> data)
    {
        int position = 0;
        var store = JumbfSuperbox.Read(JumbfBox.Read(data, ref position));
        if (store.Label != StoreLabel)
        {
            throw new CredentialsException("the outermost box is no manifest store");
        }

        if (store.Children.Count > MostManifests)
        {
            throw new CredentialsException($"the store has more than {MostManifests} boxes");
        }

        var last = store.Children.LastOrDefault(static child => child.Type == JumbfBox.Superbox);
        if (last.Type != JumbfBox.Superbox)
        {
            throw new CredentialsException("the store has no manifest");
        }

        var manifest = JumbfSuperbox.Read(last);
        var kind = manifest.Type.Span[..4];
        if (kind.SequenceEqual("c2cm"u8) || manifest.ContentOf(JumbfBox.Brotli) is not null)
        {
            throw new CredentialsException("the manifest is compressed, which is not read here", unsupported: true);
        }

        return Read(manifest, store.Children.Count(static child => child.Type == JumbfBox.Superbox), kind.SequenceEqual("c2um"u8));
    }

    private static ActiveManifest Read(JumbfSuperbox manifest, int manifests, bool isUpdate)
    {
        ReadOnlyMemory<byte>? claim = null;
        ReadOnlyMemory<byte>? signature = null;
        var stores = new Dictionary<string, JumbfSuperbox>(StringComparer.Ordinal);
        List<string> assertions = [];
        foreach (var box in manifest.Superboxes())
        {
            if (box.Label is "c2pa.claim" or "c2pa.claim.v2")
            {
                claim = claim is null ? ContentOf(box) : throw new CredentialsException("the manifest has more than one claim");
            }
            else if (box.Label == SignatureLabel)
            {
                signature = signature is null ? ContentOf(box) : throw new CredentialsException("the manifest has more than one signature");
            }
            else if (StoreLabels.Contains(box.Label))
            {
                foreach (var inner in box.Superboxes())
                {
                    var path = $"{box.Label}/{inner.Label}";
                    if (!stores.TryAdd(path, inner))
                    {
                        throw new CredentialsException("two boxes have the same label");
                    }

                    if (box.Label == AssertionStore)
                    {
                        assertions.Add(path);
                    }
                }
            }
        }

        return new ActiveManifest(
            manifest.Label,
            manifests,
            isUpdate,
            claim ?? throw new CredentialsException("the manifest has no claim"),
            signature ?? throw new CredentialsException("the manifest has no signature"),
            stores,
            assertions);
    }

    private static ReadOnlyMemory<byte> ContentOf(JumbfSuperbox box) =>
        box.ContentOf(JumbfBox.Cbor) ?? throw new CredentialsException("claim or signature is not CBOR");
}
