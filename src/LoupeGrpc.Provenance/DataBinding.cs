using System.Security.Cryptography;

namespace LoupeGrpc.Provenance;

/// <summary>The hard binding by <c>c2pa.hash.data</c>: a hash of the file's bytes but for some ranges.</summary>
internal static class DataBinding
{
    private const string Label = "c2pa.hash.data";
    private const string AnyBinding = "c2pa.hash.";
    private const int MostExclusions = 4096;

    /// <param name="claim">Whose hash function counts where the assertion names none.</param>
    /// <param name="leftOut">Bytes outside the store that the hash does not go over.</param>
    /// <exception cref="CredentialsException">The assertion cannot be read.</exception>
    public static CredentialsCheck Check(ReadOnlySpan<byte> file, FoundStore store, ActiveManifest manifest, Claim claim, out long leftOut)
    {
        leftOut = 0;
        var bindings = claim.Boxes
            .Select(static box => box.Path)
            .OfType<string>()
            .Where(static path => path.StartsWith($"{ActiveManifest.AssertionStore}/{AnyBinding}", StringComparison.Ordinal) && !path.EndsWith(".part", StringComparison.Ordinal))
            .ToList();
        if (bindings.Count != 1)
        {
            return bindings.Count > 1 ? CredentialsCheck.Fails("the claim names more than one binding")
                : manifest.IsUpdate ? CredentialsCheck.NotJudged("an update of an earlier manifest, which has the binding; it is not followed here")
                : CredentialsCheck.Fails("the claim names no binding: nothing ties it to this file");
        }

        if (bindings[0] != $"{ActiveManifest.AssertionStore}/{Label}")
        {
            return CredentialsCheck.NotJudged($"a binding of a kind that is not known here: {PlainText.Clean(bindings[0][(ActiveManifest.AssertionStore.Length + 1)..], PlainText.Short)}");
        }

        return manifest.Stores.TryGetValue(bindings[0], out var box) && box.ContentOf(JumbfBox.Cbor) is { } content
            ? Check(file, store, CborNode.Read(content, "the binding"), claim, out leftOut)
            : CredentialsCheck.Fails("the binding that the claim names is missing");
    }

    private static CredentialsCheck Check(ReadOnlySpan<byte> file, FoundStore store, CborNode binding, Claim claim, out long leftOut)
    {
        leftOut = 0;
        string name = binding["alg"]?.Text ?? claim.Algorithm;
        if (Digest.Find(name) is not { } algorithm)
        {
            return CredentialsCheck.NotJudged($"a hash of a kind that is not known here: {PlainText.Clean(name, PlainText.Short)}");
        }

        if (binding["hash"]?.Bytes is not { } expected)
        {
            return CredentialsCheck.Fails("the binding has no hash");
        }

        if (!TryReadExclusions(binding["exclusions"], file.Length, out var exclusions, out string problem))
        {
            return CredentialsCheck.Fails(problem);
        }

        using var hash = IncrementalHash.CreateHash(algorithm);
        int position = 0;
        foreach (var exclusion in exclusions)
        {
            hash.AppendData(file[position..(int)exclusion.Start]);
            position = (int)exclusion.End;
        }

        hash.AppendData(file[position..]);
        if (!CryptographicOperations.FixedTimeEquals(hash.GetHashAndReset(), expected.Span))
        {
            return CredentialsCheck.Fails("the file's bytes are not those that were signed");
        }

        leftOut = exclusions.Sum(static range => range.Length) - Shared(exclusions, store.Places);
        return leftOut == 0 ? CredentialsCheck.Holds : new CredentialsCheck(CheckResult.Holds, $"it leaves out {leftOut} bytes beside the credentials, which anybody could have changed");
    }

    private static bool TryReadExclusions(CborNode? list, long fileLength, out IReadOnlyList<FileRange> ranges, out string problem)
    {
        problem = string.Empty;
        List<FileRange> read = [];
        ranges = read;
        foreach (var item in list?.Items ?? [])
        {
            if (read.Count == MostExclusions || item["start"]?.Number is not { } start || item["length"]?.Number is not { } length)
            {
                problem = "what the binding leaves out is not said as it should be";
                return false;
            }

            if (start > (ulong)fileLength || length > (ulong)fileLength - start)
            {
                problem = "what the binding leaves out reaches past the end of the file";
                return false;
            }

            read.Add(new FileRange((long)start, (long)(start + length)));
        }

        read.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        for (int i = 1; i < read.Count; i++)
        {
            if (read[i].Start < read[i - 1].End)
            {
                problem = "ranges that the binding leaves out overlap";
                return false;
            }
        }

        return true;
    }

    /// <summary>Bytes that are in both, each in order and apart.</summary>
    private static long Shared(IReadOnlyList<FileRange> a, IReadOnlyList<FileRange> b)
    {
        long shared = 0;
        for (int i = 0, j = 0; i < a.Count && j < b.Count;)
        {
            shared += Math.Max(0, Math.Min(a[i].End, b[j].End) - Math.Max(a[i].Start, b[j].Start));
            if (a[i].End <= b[j].End)
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        return shared;
    }
}
