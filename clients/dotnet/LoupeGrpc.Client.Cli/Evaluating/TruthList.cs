using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>The list of `--list`: CSV with the header `path,label[,mask][,…]`. Paths in it count from the list's own folder.</summary>
internal static class TruthList
{
    private const string PathColumn = "path";
    private const string LabelColumn = "label";
    private const string MaskColumn = "mask";

    /// <exception cref="CliException">It cannot be read, or a line of it says nothing.</exception>
    public static IReadOnlyList<TruthCase> Read(string file)
    {
        try
        {
            return Parse(File.ReadAllBytes(file), Path.GetDirectoryName(file) ?? string.Empty);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--list {file}: cannot be read: {FileErrors.Reason(error)}");
        }
        catch (InvalidDataException error)
        {
            throw CliException.Usage($"--list {file}: {error.Message}");
        }
    }

    /// <param name="csv">UTF-8.</param>
    /// <param name="folder">Where its paths count from.</param>
    /// <exception cref="InvalidDataException">It is no such list; the message says where.</exception>
    public static IReadOnlyList<TruthCase> Parse(byte[] csv, string folder)
    {
        var rows = CsvRows.Read(csv);
        foreach (var needed in (string[])[PathColumn, LabelColumn])
        {
            if (!rows.Columns.Contains(needed))
            {
                throw new InvalidDataException($"there is no column '{needed}': the first line must be path,label[,mask][,…]");
            }
        }

        string[] further = [.. rows.Columns.Except([PathColumn, LabelColumn, MaskColumn])];
        return
        [
            .. rows.Rows.Select(row => new TruthCase(
                row[PathColumn].Length > 0 ? Path.Combine(folder, row[PathColumn]) : throw new InvalidDataException($"line {row.Line} has no path"),
                ReadLabel(row[LabelColumn]) ?? throw new InvalidDataException($"line {row.Line} has the label '{row[LabelColumn]}': it must be 1 (forged) or 0 (authentic)"),
                row[MaskColumn] is { Length: > 0 } mask ? Path.Combine(folder, mask) : null,
                further.ToDictionary(static column => column, column => row[column]))),
        ];
    }

    private static bool? ReadLabel(string text) => text.Trim() switch
    {
        "1" => true,
        "0" => false,
        _ => null,
    };
}
