namespace LoupeGrpc.Server.Configuration;

/// <summary>Guesses which name was meant.</summary>
internal static class NearestName
{
    /// <summary>The name with the fewest single-character edits to <paramref name="text"/>, ignoring case; the first of several.</summary>
    /// <exception cref="InvalidOperationException">There are no names.</exception>
    public static string Of(string text, IEnumerable<string> names) => names.MinBy(name => Distance(text, name))
        ?? throw new InvalidOperationException("No names to choose from.");

    private static int Distance(string a, string b)
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
