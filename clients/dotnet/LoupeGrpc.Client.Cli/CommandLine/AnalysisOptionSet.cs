using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that `analyze` and `stream` have in common, as the parser knows them.</summary>
internal sealed class AnalysisOptionSet
{
    private readonly ServerOptions _server;

    private readonly Option<string> _format = new Option<string>("--format")
    {
        Description = "How results are written to standard output: a table for people, one JSON object a line, or CSV that is safe to open in a spreadsheet.",
        DefaultValueFactory = _ => "table",
    }.AcceptOnlyFromAmong("table", "jsonl", "csv");

    private readonly MaskOption _mask = new();

    private readonly Option<Thresholds?> _thresholds = new("--thresholds")
    {
        Description = "Scores below LOW are AUTHENTIC, from HIGH on MANIPULATED, between them UNCERTAIN; 0 <= LOW <= HIGH <= 1. [default: the server's, 0.4,0.6 unless configured]",
        HelpName = "LOW,HIGH",
        CustomParser = ParseThresholds,
    };

    private readonly Option<string> _model = new("--model")
    {
        Description = "Which of the server's models analyses the frames; `loupe-grpc-client info` names them. [default: the server's first]",
        HelpName = "NAME",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<string> _output = new("--output")
    {
        HelpName = "DIR",
        DefaultValueFactory = _ => "./loupe-results",
    };

    private readonly Option<bool> _saveOverlays = new("--save-overlays")
    {
        Description = "Write each analysed picture as PNG to DIR/overlays, upright: mask outlined and tinted (hatched where the verdict is not MANIPULATED), score and verdict in a corner. Needs OpenCV.",
    };

    private readonly Option<bool> _sideBySide = new("--side-by-side")
    {
        Description = "In overlays, show the picture as it is beside the painted one. Implies --save-overlays.",
    };

    private readonly Option<bool> _saveMasks = new("--save-masks")
    {
        Description = "Write each mask as PNG to DIR/masks, in stored orientation: 255 where forged, else 0.",
    };

    private readonly Option<string?> _exportLoupe = new("--export-loupe")
    {
        Description = "Write the form of Loupe's authors to DIR: predictions.txt (NAME,SCORE with 4 decimals) and masks/NAME as PNG (255 forged, black for pictures without a mask).",
        HelpName = "DIR",
    };

    private readonly Option<string?> _receipts = new("--receipts")
    {
        Description = "Have the server sign what it finds, and write the receipts to FILE, one a line, for `verify`. Needs a server with a key for that (Loupe:Receipts:Key).",
        HelpName = "FILE",
    };

    private readonly Option<string?> _report = new("--report")
    {
        Description = "Write all that was found to one HTML file that needs nothing else and prints well: each picture beside what was marked in it, scores, sentences, hashes, settings, what the figures mean. Needs OpenCV.",
        HelpName = "FILE.html",
    };

    private readonly Option<bool> _serve = new("--serve")
    {
        Description = "Start the server that lies beside this program (or on the PATH) for the time of the run, for nobody else, instead of looking for one that runs. Its settings are those of the environment: Loupe__Model__Path=DIR and so on.",
    };

    private readonly ExplainOption _explain;

    /// <param name="output">What the folder of --output is for.</param>
    /// <param name="explains">Whether lines of JSON explain their results where nothing is said.</param>
    public AnalysisOptionSet(CliHost host, string output, bool explains)
    {
        _server = new ServerOptions(host);
        _explain = new ExplainOption(explains);
        _output.Description = output;
    }

    public void AddTo(Command command)
    {
        _server.AddTo(command);
        command.Options.Add(_serve);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_serve) && ServerOptions.IsNamed(result))
            {
                result.AddError("--serve starts a server, --server names one that runs: give one of them.");
            }
        });
        command.Options.Add(_format);
        command.Options.Add(_mask);
        command.Options.Add(_thresholds);
        _explain.AddTo(command);
        command.Options.Add(_model);
        command.Options.Add(_output);
        command.Options.Add(_saveOverlays);
        command.Options.Add(_sideBySide);
        command.Options.Add(_saveMasks);
        command.Options.Add(_exportLoupe);
        command.Options.Add(_receipts);
        command.Options.Add(_report);
        // Nobody's picture is overwritten by a slip.
        _report.Validators.Add(static result => result.Require(
            result.GetValueOrDefault<string?>() is not { } file || Path.GetExtension(file).ToLowerInvariant() is ".html" or ".htm",
            $"--report is '{result.GetValueOrDefault<string?>()}': its name must end in .html."));
    }

    public AnalysisOptions Read(ParseResult result)
    {
        var format = Enum.Parse<OutputFormat>(result.GetRequiredValue(_format), ignoreCase: true);
        return new AnalysisOptions
        {
            Server = _server.Read(result),
            Serve = result.GetValue(_serve),
            Format = format,
            Explain = _explain.Read(result, format),
            Mask = _mask.Read(result),
            Thresholds = result.GetValue(_thresholds),
            Model = result.GetRequiredValue(_model),
            Output = result.GetRequiredValue(_output),
            SaveOverlays = result.GetValue(_saveOverlays) || result.GetValue(_sideBySide),
            SideBySide = result.GetValue(_sideBySide),
            SaveMasks = result.GetValue(_saveMasks),
            ExportLoupe = result.GetValue(_exportLoupe),
            Receipts = result.GetValue(_receipts),
            Report = result.GetValue(_report),
            ReportExplain = _explain.ReadForReport(result),
            InForce = OptionInForce.Of(result),
        };
    }

    private static Thresholds? ParseThresholds(ArgumentResult result)
    {
        var parts = result.Tokens[0].Value.Split(',');
        if (parts.Length == 2
            && float.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var low)
            && float.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var high)
            && low >= 0 && low <= high && high <= 1)
        {
            if (high > 0)
            {
                return new Thresholds { Low = low, High = high };
            }

            result.AddError("--thresholds 0,0 would call everything MANIPULATED: give a HIGH above 0.");
            return null;
        }

        result.AddError($"--thresholds is '{result.Tokens[0].Value}': it must be LOW,HIGH with 0 <= LOW <= HIGH <= 1, e.g. 0.4,0.6.");
        return null;
    }
}
