using System.Globalization;
using System.Text;
using System.Text.Json;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>
/// Scores and masks made elsewhere or earlier: the folder of `--export-loupe` (`predictions.txt`, `masks/`), the lines of `analyze --format jsonl`, or CSV with
/// the columns `path`, `score` and, where there are masks, `mask` or `mask_file`.
/// </summary>
internal sealed class Predictions
{
    private const string List = "predictions.txt";

    private readonly List<Prediction> _all;
    private readonly ILookup<string, Prediction> _byName;

    private Predictions(IEnumerable<Prediction> predictions)
    {
        _all = [.. predictions];
        _byName = _all.ToLookup(static prediction => Path.GetFileName(prediction.Name), StringComparer.Ordinal);
    }

    /// <exception cref="CliException">They cannot be read.</exception>
    public static Predictions Read(string path)
    {
        try
        {
            return Directory.Exists(path)
                ? new Predictions(ParseExport(File.ReadAllText(Path.Combine(path, List)), Path.Combine(path, "masks")))
                : Parse(File.ReadAllBytes(path), Path.GetDirectoryName(path) ?? string.Empty);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--predictions {path}: cannot be read: {FileErrors.Reason(error)}");
        }
        catch (InvalidDataException error)
        {
            throw CliException.Usage($"--predictions {path}: {error.Message}");
        }
    }

    /// <param name="file">JSON lines or CSV, UTF-8.</param>
    /// <param name="folder">Where masks that it names are looked for first.</param>
    /// <exception cref="InvalidDataException">It is neither.</exception>
    public static Predictions Parse(byte[] file, string folder) =>
        new(file.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("{"u8) ? ParseLines(file) : ParseCsv(file, folder));

    /// <summary>Lines `NAME,SCORE`; a name may hold commas.</summary>
    public static IEnumerable<Prediction> ParseExport(string list, string masks)
    {
        foreach (var (index, line) in list.Split('\n').Select(static line => line.TrimEnd('\r')).Index().Where(static line => line.Item.Length > 0))
        {
            var comma = line.LastIndexOf(',');
            if (comma <= 0)
            {
                throw new InvalidDataException($"line {index + 1} of {List} is not NAME,SCORE");
            }

            var name = line[..comma];
            // a.jpg beside a.png has a.jpg.png.
            string[] candidates = [Path.Combine(masks, $"{name}.png"), Path.Combine(masks, Path.ChangeExtension(name, ".png"))];
            yield return new Prediction(name, ReadScore(line[(comma + 1)..], $"line {index + 1} of {List}")) { MaskFile = candidates.FirstOrDefault(File.Exists) };
        }
    }

    /// <summary>Holds each picture of a list against what was predicted of it.</summary>
    public JudgedSet Judge(IReadOnlyList<TruthCase> cases)
    {
        var pictures = new List<EvaluatedPicture>();
        var failures = new List<EvaluationFailure>();
        foreach (var truth in cases)
        {
            try
            {
                var prediction = Find(truth.Path);
                var score = prediction.Score ?? throw new InvalidDataException(prediction.Problem ?? "its prediction has no score");
                pictures.Add(new EvaluatedPicture(truth, score, Compare(truth, prediction, failures)) { Mask = prediction.ReadMask });
            }
            catch (InvalidDataException error)
            {
                failures.Add(new EvaluationFailure(PathText.Show(truth.Path), error.Message));
            }
        }

        return new JudgedSet(pictures, failures);
    }

    private static PixelCounts? Compare(TruthCase truth, Prediction prediction, List<EvaluationFailure> failures)
    {
        if (!truth.IsForged || truth.Mask is null)
        {
            return null;
        }

        try
        {
            return prediction.ReadMask() is { } found ? TruthMask.Compare(TruthMask.Read(truth.Mask), found, isScaled: false) : null;
        }
        catch (InvalidDataException error)
        {
            failures.Add(new EvaluationFailure(PathText.Show(truth.Path), error.Message));
            return null;
        }
    }

    /// <summary>By the same path, or else by the end of the path, as long as that is said of one only.</summary>
    /// <exception cref="InvalidDataException">There is none, or several.</exception>
    private Prediction Find(string path)
    {
        var full = Path.GetFullPath(path);
        var candidates = _byName[Path.GetFileName(path)].ToList();
        var same = candidates.Where(candidate => candidate.Name == path || Path.GetFullPath(candidate.Name) == full).ToList();
        var found = same.Count > 0 ? same : candidates.Where(candidate => full.EndsWith($"/{candidate.Name}", StringComparison.Ordinal)).ToList();
        return found switch
        {
            [var one] => one,
            [] => throw new InvalidDataException("nothing was predicted of it"),
            _ => throw new InvalidDataException($"{found.Count} predictions may be of it: give their full paths"),
        };
    }

    private static IEnumerable<Prediction> ParseLines(byte[] file)
    {
        var number = 0;
        foreach (var line in Encoding.UTF8.GetString(file).Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            OutcomeLine? read;
            try
            {
                read = JsonLinesWriter.Read(Encoding.UTF8.GetBytes(line));
            }
            catch (JsonException error)
            {
                throw new InvalidDataException($"line {number} is no line of `analyze --format jsonl`: {error.Message}", error);
            }

            if (read?.Path is not { Length: > 0 } path || path.Contains('\0', StringComparison.Ordinal))
            {
                throw new InvalidDataException($"line {number} names no path");
            }

            yield return new Prediction(PathText.Parse(path), read.Score)
            {
                Problem = read.Error?.Message,
                Run = read.Mask is { Size: [var height, var width], Counts: { } counts } ? (height, width, counts) : null,
                // Of an authentic picture no mask is computed unless asked for: nothing was found in it.
                Empty = read is { Mask: null, Width: { } columns, Height: { } rows, Verdict: "AUTHENTIC" } ? ((int)rows, (int)columns) : null,
            };
        }
    }

    private static IEnumerable<Prediction> ParseCsv(byte[] file, string folder)
    {
        var rows = CsvRows.Read(file);
        foreach (var needed in (string[])["path", "score"])
        {
            if (!rows.Columns.Contains(needed))
            {
                throw new InvalidDataException($"there is no column '{needed}': the first line must be path,score[,mask]");
            }
        }

        return rows.Rows.Select(row => new Prediction(
            PathText.Parse(row["path"]), row["score"].Length == 0 ? null : ReadScore(row["score"], $"line {row.Line}"))
        {
            MaskFile = (row["mask"].Length > 0 ? row["mask"] : row["mask_file"]) is { Length: > 0 } mask
                ? new[] { Path.Combine(folder, mask), mask }.FirstOrDefault(File.Exists) ?? Path.Combine(folder, mask)
                : null,
            Problem = row["message"] is { Length: > 0 } message ? message : null,
        });
    }

    private static double ReadScore(string text, string where) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var score) && double.IsFinite(score)
            ? score
            : throw new InvalidDataException($"{where} has the score '{text}', which is not a finite number");
}
