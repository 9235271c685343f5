namespace LoupeGrpc.Provenance;

/// <summary>What a manifest's actions and ingredients say was done.</summary>
internal static class ActionFacts
{
    public const int MostActions = 16;

    private const int MostSourceTypes = 8;
    private const string IptcTerms = "http://cv.iptc.org/newscodes/digitalsourcetype/";
    private const string C2paTerms = "http://c2pa.org/digitalsourcetype/";

    /// <exception cref="CredentialsException"/>
    public static (IReadOnlyList<string> Actions, IReadOnlyList<string> SourceTypes) Read(ActiveManifest manifest)
    {
        List<string> actions = [];
        List<string> sources = [];
        foreach (var box in manifest.Assertions.Where(static path => IsOf(path, "c2pa.actions")).Select(path => manifest.Stores[path]))
        {
            if (box.ContentOf(JumbfBox.Cbor) is not { } content)
            {
                continue;
            }

            foreach (var action in CborNode.Read(content, "an assertion")["actions"]?.Items ?? [])
            {
                Add(actions, action["action"]?.Text, MostActions, PlainText.Short);
                Add(sources, TermOf(action["digitalSourceType"]?.Text), MostSourceTypes, PlainText.Long);
            }
        }

        return (actions, sources);
    }

    public static int CountIngredients(ActiveManifest manifest) => manifest.Assertions.Count(static path => IsOf(path, "c2pa.ingredient"));

    /// <summary>Versions are added with a point, further ones of a kind with two lines.</summary>
    private static bool IsOf(string path, string label)
    {
        var name = path[(ActiveManifest.AssertionStore.Length + 1)..];
        return name.StartsWith(label, StringComparison.Ordinal)
            && (name.Length == label.Length || name[label.Length..].StartsWith(".v", StringComparison.Ordinal) || name[label.Length..].StartsWith("__", StringComparison.Ordinal));
    }

    private static string? TermOf(string? address) =>
        address is null ? null
        : address.StartsWith(IptcTerms, StringComparison.Ordinal) ? address[IptcTerms.Length..]
        : address.StartsWith(C2paTerms, StringComparison.Ordinal) ? address[C2paTerms.Length..]
        : address;

    private static void Add(List<string> list, string? text, int most, int mostBytes)
    {
        if (text is not null && list.Count < most && PlainText.Clean(text, mostBytes) is { Length: > 0 } clean && !list.Contains(clean))
        {
            list.Add(clean);
        }
    }
}
