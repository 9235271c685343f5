using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>What a terminal shows in the end of what was written to it, with what was scrolled away.</summary>
internal static partial class TerminalScreen
{
    /// <returns>The lines, without spaces at their ends. Long ones are not wrapped.</returns>
    public static IReadOnlyList<string> Show(string written)
    {
        List<StringBuilder> lines = [new()];
        var (row, column) = (0, 0);
        for (var i = 0; i < written.Length; i++)
        {
            if (written[i] == '\e')
            {
                var sequence = Sequence().Match(written, i);
                Apply(sequence.Groups["letter"].Value, sequence.Groups["number"].Value);
                i += sequence.Length - 1;
                continue;
            }

            switch (written[i])
            {
                case '\r':
                    column = 0;
                    break;
                case '\n':
                    row++;
                    Reach();
                    break;
                default:
                    var line = lines[row];
                    line.Append(' ', Math.Max(0, column + 1 - line.Length));
                    line[column++] = written[i];
                    break;
            }
        }

        return [.. lines.Select(line => line.ToString().TrimEnd())];

        void Apply(string letter, string number)
        {
            var count = number.Length > 0 ? int.Parse(number, CultureInfo.InvariantCulture) : 1;
            switch (letter)
            {
                case "A":
                    row = Math.Max(0, row - count);
                    break;
                case "B":
                    row += count;
                    Reach();
                    break;
                case "K":
                    lines[row].Length = number == "2" ? 0 : Math.Min(lines[row].Length, column);
                    break;
                case "J":
                    lines[row].Length = Math.Min(lines[row].Length, column);
                    lines.RemoveRange(row + 1, lines.Count - row - 1);
                    break;
            }
        }

        void Reach()
        {
            while (lines.Count <= row)
            {
                lines.Add(new StringBuilder());
            }
        }
    }

    /// <summary>Control sequences, and the two-letter ones.</summary>
    [GeneratedRegex(@"\G\e(\[\??(?<number>[0-9]*)[0-9;]*(?<letter>[A-Za-z])|.)", RegexOptions.Singleline)]
    private static partial Regex Sequence();
}
