using System.Text;
using CsvHelper;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>A small CSV file with a header, whole in memory.</summary>
/// <param name="Columns">As the header names them, in lower case.</param>
/// <param name="Rows">The lines below it that are not empty.</param>
internal sealed record CsvRows(IReadOnlyList<string> Columns, IReadOnlyList<CsvRow> Rows)
{
    /// <exception cref="InvalidDataException">It is no CSV with a header, or no UTF-8.</exception>
    public static CsvRows Read(byte[] csv)
    {
        try
        {
            using var reader = CsvReader.Create(csv, CsvReaderOptions.Default with { HasHeader = true, SkipEmptyLines = true, TrackLineNumbers = true, MalformedData = CsvMalformedDataHandling.Throw });
            var rows = new List<CsvRow>();
            string[] columns = [.. reader.Headers.ToArray().Select(static header => header.Trim().ToLowerInvariant())];
            if (columns.Length == 0)
            {
                throw new InvalidDataException("it is empty: the first line must name the columns");
            }

            if (columns.GroupBy(static column => column).FirstOrDefault(static column => column.Count() > 1) is { } twice)
            {
                throw new InvalidDataException($"the column '{twice.Key}' is there twice");
            }

            while (reader.Read())
            {
                if (reader.FieldCount != columns.Length)
                {
                    throw new InvalidDataException($"line {reader.LineNumber} has {reader.FieldCount} fields, the header {columns.Length}");
                }

                if (Enumerable.Range(0, columns.Length).Any(index => reader.GetSpan(index).Contains((byte)0)))
                {
                    throw new InvalidDataException($"line {reader.LineNumber} has a zero byte, which no path and no number has");
                }

                rows.Add(new CsvRow(reader.LineNumber, Enumerable.Range(0, columns.Length).ToDictionary(index => columns[index], reader.GetString)));
            }

            return new CsvRows(columns, rows);
        }
        catch (Exception error) when (error is CsvFormatException or DecoderFallbackException)
        {
            throw new InvalidDataException($"it is not CSV: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }
}

/// <summary>A line of it.</summary>
/// <param name="Line">From 1, the header's.</param>
/// <param name="Fields">By column.</param>
internal sealed record CsvRow(long Line, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>Empty where there is no such column.</summary>
    public string this[string column] => Fields.GetValueOrDefault(column, string.Empty);
}
