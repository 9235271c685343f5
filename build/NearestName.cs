namespace LoupeGrpc.Launch;

/// <summary>Guesses which name was meant: compiled into each program.</summary>
internal static class NearestName
{
    /// <summary>More would be another word. As System.CommandLine has it, whose own measure is not public.</summary>
    private const int MostEdits = 3;

    /// <summary>
    /// The name with the fewest single-character edits to <paramref name="text"/>, ignoring case, or that it is the end of; the first of several.
    /// Null where none is near.
    /// </summary>
    public static string? Of(string text, IEnumerable<string> names)
    {
        // Of a short name three edits leave nothing.
        var most = Math.Min(MostEdits, text[(text.LastIndexOf(':') + 1)..].Length / 2);
        var candidates = names.ToList();
        return candidates.Select(name => (Name: name, Edits: Edits(text, name))).Where(near => near.Edits <= most).OrderBy(static near => near.Edits).FirstOrDefault().Name
            ?? candidates.Find(name => IsSameSetting(text, name));
    }

    /// <summary>Whether only the sections in between differ.</summary>
    private static bool IsSameSetting(string text, string name) =>
        text.LastIndexOf(':') is > 0 and var at && name.EndsWith(text[at..], StringComparison.OrdinalIgnoreCase);

    private static int Edits(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
