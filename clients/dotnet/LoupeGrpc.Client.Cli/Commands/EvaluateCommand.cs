using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Evaluating;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`evaluate`: how good scores and masks are on pictures of which the truth is known.</summary>
internal static class EvaluateCommand
{
    private const int MaxSamples = 100_000;
    private const int MaxWorst = 200;

    public const string Lesson = $$$"""
        Examples:
          loupe-grpc-client evaluate --list truth.csv
          loupe-grpc-client evaluate --authentic good/ --forged bad/ --masks truth/ --report quality.html
          loupe-grpc-client evaluate --list truth.csv --by camera --json > quality.json
          loupe-grpc-client evaluate --list truth.csv --perturb jpeg:75,scale:0.7,noise:5,blur:1,scale:0.5+jpeg:60
          loupe-grpc-client evaluate --list truth.csv --predictions out/          (what `analyze --export-loupe out` wrote: no server)
          loupe-grpc-client evaluate --list truth.csv --serve                     (no server need be running)

        The list is CSV with the header path,label[,mask][,…]: label 1 is forged, 0 authentic; a mask is a picture of the same size, white where forged;
        further columns are for --by. Paths count from the list's own folder. In folders every picture counts, with the folders below; its mask has its
        name in --masks (a.jpg: a.png or a.mask.png), or without --masks lies beside it as a.mask.png. Files that end in .mask.png are no pictures.

        --predictions takes a folder of --export-loupe, the lines of `analyze --format jsonl`, or CSV with the columns path,score[,mask]. They are matched by
        path, or by the end of one.

        AUC is over pictures, ties half. F1 and IoU are those of the challenge: pixels of all forged pictures with a mask taken together, IoU averaged over
        forged part and background. Overall is the mean of the three. A picture is called forged from a threshold on; the best one has the largest recall
        less false alarms. Recall at 1 % false alarms is the best that a threshold with no more of them reaches: with fewer than 100 authentic
        pictures that means none. Intervals are the middle 95 % of samples drawn with replacement, forged and authentic pictures apart.
        The expected calibration error says how far scores are from being probabilities, in ten bins.

        --perturb analyses everything again, changed: compressed, scaled, with noise, blurred. Steps with + are done one after the other.

        With --json: {"n","forged","authentic","masks","failed","auc","auc_interval":[lo,hi],"f1","iou","overall" (each with its interval),"accuracy","f1_image",
        "average_precision","recall_at_far":{"0.01","0.05"},"threshold","at_threshold","ece","brier","thresholds":[…],"reliability":[…],"roc":[[false alarms,
        recall,threshold]…],"precision_recall":[[recall,precision,threshold]…],"groups":{…},"perturbations":{…},"worst":{…},"failures":[…],
        "pictures":[{"path","label","score","iou"}…],"explanation":[{"code","text","numbers":{…},"words":{…}}…]}; null where there is nothing to compute a figure from.
        Sentences are made by rules from the figures: the code and what it has for programs (docs/evaluation.md), the text for people.

        Exit codes:
          0    evaluated, whatever the figures are
          20   some pictures or masks failed and have no part in the figures, or the report could not be written
          2    wrong usage
          69   server unreachable
          70   internal error
          77   the server does not let us in: --key, --cert
          130  interrupted (Ctrl-C)
        """;

    public static Command Create(CliHost host)
    {
        var list = new Option<string?>("--list") { Description = "CSV with the header path,label[,mask][,…].", HelpName = "FILE" };
        var authentic = new Option<string?>("--authentic") { Description = "Folder of authentic pictures, instead of a list.", HelpName = "DIR" };
        var forged = new Option<string?>("--forged") { Description = "Folder of forged pictures.", HelpName = "DIR" };
        var masks = new Option<string?>("--masks") { Description = "Folder of the forged pictures' masks, under the same names. [default: beside them, NAME.mask.png]", HelpName = "DIR" };
        var predictions = new Option<string?>("--predictions") { Description = "Evaluate scores and masks that are there already; no server is asked.", HelpName = "DIR|FILE" };
        var by = new Option<string?>("--by") { Description = "Figures for each value of a column of the list, too.", HelpName = "COLUMN" };
        var perturb = new Option<IReadOnlyList<Perturbation>?>("--perturb")
        {
            Description = $"Figures for changed pictures, too, with commas between: {Perturbation.Forms}.",
            HelpName = "CHANGE,…",
            CustomParser = ParsePerturbations,
        };
        var at = new Option<IReadOnlyList<double>?>("--at")
        {
            Description = "Thresholds to tell about. [default: 0.1,0.2 … 0.9]",
            HelpName = "T,…",
            CustomParser = ParseThresholds,
        };
        var samples = new Option<int>("--bootstrap") { Description = "Samples that intervals are drawn from; 0: no intervals.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        var seed = new Option<int>("--seed") { Description = "Of these samples, and of noise.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var worst = new Option<int>("--worst") { Description = "How many of the worst cases are shown, of each kind.", HelpName = "N", DefaultValueFactory = _ => 6 };
        var report = new Option<string?>("--report") { Description = "Write figures, curves and worst cases with their overlays to one HTML file. Needs OpenCV.", HelpName = "FILE.html" };
        var explain = new Option<string>("--explain")
        {
            Description = "Say in sentences what the figures mean, in English or Chinese.",
            HelpName = "en|zh|off",
            DefaultValueFactory = _ => "en",
        }.AcceptOnlyFromAmong("en", "zh", "off");
        var json = new Option<bool>("--json") { Description = "One JSON object instead of lines for people." };
        var model = new Option<string>("--model") { Description = "Which of the server's models is evaluated. [default: the server's first]", HelpName = "NAME", DefaultValueFactory = _ => "" };
        var server = new ServerOptions(host);
        var serve = new Option<bool>("--serve") { Description = "Start the server that lies beside this program (or on the PATH) for the time of the run, as `analyze --serve` does." };
        var command = new Command("evaluate", "Measure scores and masks on pictures of which the truth is known.")
        {
            list, authentic, forged, masks, predictions, by, perturb, at, samples, seed, worst, report, explain, json, model, serve,
        };
        server.AddTo(command);
        var tiles = new TileOptionSet();
        tiles.AddTo(command);
        command.Validators.Add(result =>
        {
            var hasFolders = result.GetValue(authentic) is not null || result.GetValue(forged) is not null;
            result.Require(result.GetValue(list) is null == hasFolders, "Say what to evaluate: --list FILE, or --authentic DIR and --forged DIR.");
            result.Require(result.GetValue(authentic) is null == result.GetValue(forged) is null, "--authentic and --forged go together.");
            result.Require(result.GetValue(masks) is null || result.GetValue(forged) is not null, "--masks goes with --forged: a list names its masks itself.");
            result.Require(result.GetValue(by) is null || result.GetValue(list) is not null, "--by is a column of --list.");
            result.Require(result.GetValue(predictions) is null || (result.GetValue(perturb) is null && !result.GetValue(serve) && !ServerOptions.IsNamed(result)), "--predictions asks no server: leave out --perturb, --serve and --server.");
            result.Require(!result.GetValue(serve) || !ServerOptions.IsNamed(result), "--serve starts a server, --server names one that runs: give one of them.");
            result.Require(result.GetValue(samples) is >= 0 and <= MaxSamples, $"--bootstrap must be 0 to {MaxSamples}.");
            result.Require(result.GetValue(worst) is >= 0 and <= MaxWorst, $"--worst must be 0 to {MaxWorst}.");
        });
        command.SetAction(async (result, _) =>
        {
            var page = result.GetValue(report) is { } file ? OutputFile.Reserve("--report", file) : null;
            var listFile = result.GetValue(list);
            var cases = listFile is not null
                ? TruthList.Read(listFile)
                : await Task.Run(() => TruthFolders.Read(result.GetRequiredValue(authentic)!, result.GetRequiredValue(forged)!, result.GetValue(masks), host.Interrupt), host.Interrupt);
            if (cases.Count == 0)
            {
                throw CliException.Usage("there is no picture to evaluate");
            }

            var column = result.GetValue(by)?.ToLowerInvariant();
            if (column is not null && !cases[0].Columns.ContainsKey(column))
            {
                throw CliException.Usage($"--by {column}: the list has no such column; it has {(cases[0].Columns.Count > 0 ? string.Join(", ", cases[0].Columns.Keys) : "none beside path, label and mask")}");
            }

            if (page is not null || result.GetValue(perturb) is not null || cases.Any(static truth => truth.Mask is not null))
            {
                OpenCvRuntime.EnsureLoaded();
            }

            var display = new RunDisplay(host, OutputFormat.Jsonl);
            List<(Perturbation? Change, JudgedSet Judged)> sets = [];
            ServerJudgement? judgement = null;
            if (result.GetValue(predictions) is { } path)
            {
                sets.Add((null, Predictions.Read(path).Judge(cases)));
                sets[0].Judged.Failures.ToList().ForEach(failure => display.Notify($"warning: {failure.Path}: {failure.Message}"));
            }
            else
            {
                var reached = server.Read(result);
                await using var local = result.GetValue(serve) ? await LocalServer.StartAsync(host) : null;
                using var client = new LoupeClient(local is null ? reached : reached with { Address = local.Address });
                judgement = new ServerJudgement(host, client, cases, result.GetRequiredValue(model), tiles.Read(result), page is not null, display);
                foreach (var change in (Perturbation?[])[null, .. result.GetValue(perturb) ?? []])
                {
                    sets.Add((change, await judgement.RunAsync(change, result.GetValue(seed))));
                    if (host.Interrupt.IsCancellationRequested)
                    {
                        return (int)ExitCode.Interrupted;
                    }

                    if (judgement.IsRefused)
                    {
                        return (int)ExitCode.Refused;
                    }
                }
            }

            var judged = sets[0].Judged;
            var evaluation = new Evaluation
            {
                Subject = listFile ?? $"{result.GetValue(authentic)} and {result.GetValue(forged)}",
                Judged = judged,
                Figures = Measure(judged.Pictures),
                By = column,
                Groups = column is null
                    ? []
                    : [.. judged.Pictures.GroupBy(picture => picture.Case.Columns[column]).OrderBy(static group => group.Key, StringComparer.Ordinal).Select(group => (group.Key, Measure([.. group])))],
                Perturbations = [.. sets.Skip(1).Select(set => (set.Change!.Text, set.Judged, Measure(set.Judged.Pictures)))],
                Thresholds = result.GetValue(at) ?? [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
                Worst = WorstCases.Of(judged.Pictures, result.GetValue(worst)),
                Samples = result.GetValue(samples),
                Seed = result.GetValue(seed),
                Grant = judgement?.Grant,
                Explain = result.GetRequiredValue(explain) is var language && language != "off" ? language : "",
            };
            await using (var output = host.CreateTextOutput())
            {
                foreach (var line in result.GetValue(json) ? [EvaluationJson.Write(evaluation)] : EvaluationText.Lines(evaluation).Select(Printable.Text))
                {
                    await output.WriteLineAsync(line);
                }
            }

            var isWritten = page is null || Save(page, evaluation, host, display);
            return (int)(isWritten && !evaluation.Failures.Any() ? ExitCode.NothingFound : ExitCode.SomeFailed);

            QualityFigures Measure(IReadOnlyList<EvaluatedPicture> pictures) =>
                QualityFigures.Of([.. pictures.Select(static picture => picture.Judged)], result.GetValue(samples), result.GetValue(seed));
        });
        return command;
    }

    private static bool Save(OutputFile page, Evaluation evaluation, CliHost host, RunDisplay display)
    {
        try
        {
            page.Write(Encoding.UTF8.GetBytes(EvaluationPage.Write(evaluation, host.Time.GetUtcNow())));
            display.Notify($"report written to {page.Path}");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            display.Notify($"error: no report in {page.Path}: {FileErrors.Reason(error)}");
            return false;
        }
    }

    private static List<Perturbation>? ParsePerturbations(ArgumentResult result)
    {
        var all = result.Tokens[0].Value.Split(',').Select(static text => (Text: text, Parsed: Perturbation.Parse(text))).ToList();
        foreach (var (text, parsed) in all)
        {
            if (parsed is null)
            {
                result.AddError($"--perturb has '{text}': it must be {Perturbation.Forms}.");
                return null;
            }
        }

        if (all.Select(static one => one.Text).Distinct().Count() < all.Count)
        {
            result.AddError("--perturb says the same twice.");
            return null;
        }

        return [.. all.Select(static one => one.Parsed!)];
    }

    private static List<double>? ParseThresholds(ArgumentResult result)
    {
        var thresholds = new List<double>();
        foreach (var text in result.Tokens[0].Value.Split(','))
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var threshold) || !double.IsFinite(threshold))
            {
                result.AddError($"--at has '{text}', which is no number.");
                return null;
            }

            thresholds.Add(threshold);
        }

        return [.. thresholds.Order().Distinct()];
    }
}
