using System.CommandLine;
using System.Globalization;
using LoupeGrpc.Execution;
using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.Quality;
using LoupeGrpc.Server.Calibration;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>calibrate</c>: a package whose scores and thresholds fit an operator's own pictures.</summary>
internal sealed class CalibrateCommand
{
    /// <summary>Files named on standard error; the report has all.</summary>
    private const int FilesShown = 10;

    private readonly Option<string> _model = new("--model")
    {
        HelpName = "DIR",
        Description = "Model package to calibrate. It is read only. Default: the one that 'serve' serves to those who name none.",
    };

    private readonly Option<string> _authentic = new("--authentic")
    {
        HelpName = "DIR",
        Required = true,
        Description = "Folder of pictures known to be authentic, of the kind that will be analysed; folders in it too.",
    };

    private readonly Option<string?> _forged = new("--forged")
    {
        HelpName = "DIR",
        Description = "Folder of pictures known to be forged. Without it scores stay what they are, and only thresholds and the bias of tiles change.",
    };

    private readonly Option<double> _falseAlarms = new("--false-alarms")
    {
        HelpName = "SHARE",
        DefaultValueFactory = static _ => 0.05,
        Description = "The share of authentic pictures that may be called MANIPULATED, above 0 and below 1; and, with --forged, of forged ones that may be called AUTHENTIC.",
    };

    private readonly Option<double?> _confidence = new("--confidence")
    {
        HelpName = "SHARE",
        Description = "How sure to be of that on other pictures, as in 0.95. Needs more pictures and makes the upper threshold higher. Default: the share holds on average.",
    };

    private readonly Option<string> _output = new("--output")
    {
        HelpName = "DIR",
        Required = true,
        Description = "Directory for the new package. It is written whole or not at all.",
    };

    private readonly Option<string?> _version = new("--model-version")
    {
        HelpName = "VERSION",
        Description = "Version of the new package, shown to clients. Default: that of the old one, -calibrated- and eight digits that stand for the pictures.",
    };

    private readonly Option<string?> _report = new("--report")
    {
        HelpName = "FILE.json",
        Description = "What was found, and every picture with its score before and after, as JSON.",
    };

    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace a package that already exists at the output." };

    public static Command Create(IReadOnlyList<string> settings)
    {
        var verb = new Verb(
            "calibrate",
            "Fits a package's scores and thresholds to your own pictures, into a new package.",
            """
            Analyses the pictures as the server would, with the settings of 'serve', and writes a copy of
            the package with
              upper threshold   at most --false-alarms of authentic pictures are MANIPULATED
              lower threshold   at most as many forged ones are AUTHENTIC; never above the upper one
              bias of tiles     the same upper threshold holds for large pictures, seen in tiles
              temperature, bias scores are probabilities where both kinds are equally likely;
                                needs 10 pictures of each kind
            and with what that rests on: how many pictures, the rates reached with intervals at 95 %, and
            errors before and after on pictures that the fit had not seen. Adaptation and masks are not
            touched. A share of 0.05 needs 19 authentic pictures, 59 with --confidence 0.95. They must be
            of the kind that will be analysed: the promise holds for no others. Damaged and unreadable
            files are left out and named; a picture that is there twice counts once. 'inspect' shows the
            result, 'loupe-grpc-client info' version and thresholds; docs/model.md has the mathematics.

            Exit codes: 0 written, 1 not written (and why), 2 wrong settings or usage, 130 interrupted.
            Nothing half-written is left behind.

            Example:
              loupe-grpc-server calibrate --model models/loupe-l14 --authentic archive/ \
                --forged known-forgeries/ --output models/loupe-l14-ours --report calibration.json
              loupe-grpc-server serve --model models/loupe-l14-ours
            """);
        new CalibrateCommand().AddTo(verb, settings);
        return verb;
    }

    private void AddTo(Command command, IReadOnlyList<string> settings)
    {
        foreach (var option in (Option[])[_model, _authentic, _forged, _falseAlarms, _confidence, _output, _version, _report, _overwrite])
        {
            command.Add(option);
        }

        _falseAlarms.Validators.Add(static result => CheckShare("--false-alarms", result.GetValueOrDefault<double>(), result.AddError));
        _confidence.Validators.Add(static result => CheckShare("--confidence", result.GetValueOrDefault<double?>() ?? 0, result.AddError));
        _version.Validators.Add(static result =>
        {
            if (string.IsNullOrWhiteSpace(result.GetValueOrDefault<string?>()))
            {
                result.AddError("--model-version is empty");
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_authentic) is not null && new CalibrationFolders(result.GetValue(_authentic) ?? ".", result.GetValue(_forged)).Contradiction is { } contradiction)
            {
                result.AddError(contradiction);
            }
        });
        command.SetAction((result, cancellationToken) => RunAsync(result, [.. settings], cancellationToken));
    }

    private static void CheckShare(string option, double share, Action<string> refuse)
    {
        if (share is not (> 0 and < 1))
        {
            refuse(string.Create(CultureInfo.InvariantCulture, $"{option} is {share}: expected a share above 0 and below 1, as in 0.05"));
        }
    }

    private async Task<int> RunAsync(ParseResult result, string[] settings, CancellationToken cancellationToken)
    {
        var error = result.InvocationConfiguration.Error;
        var environment = Environment.GetEnvironmentVariables();
        if (await LoadedSettings.LoadAsync(settings, environment, error).ConfigureAwait(false) is not { } loaded)
        {
            return ExitCode.Usage;
        }

        using var loggers = LoggerFactory.Create(loaded.AddLogging);
        try
        {
            var options = loaded.Options;
            var source = result.GetValue(_model) is { } path ? new ModelSource(ModelSource.DefaultName, path) : options.ModelSources[0];
            var logger = loggers.CreateLogger<CalibrateCommand>();
            using var model = await ServedModel.PrepareAsync(source, options, environment, logger, cancellationToken).ConfigureAwait(false);
            model.WarnOfDemonstration(logger);
            var promise = new RatePromise(result.GetValue(_falseAlarms), result.GetValue(_confidence));
            var files = Files(new CalibrationFolders(result.GetRequiredValue(_authentic), result.GetValue(_forged)), promise);

            // What cannot be written is told before hours of work.
            using var copy = PackageCopy.Start(model.Package, result.GetRequiredValue(_output), result.GetValue(_overwrite));
            using var report = result.GetValue(_report) is { } file ? OpenReport(file) : null;
            var setup = ExecutionSetup.Create(
                model.Package, options.Execution, options.Engine, ServerProgram.AsHost(loaded, environment), TimeProvider.System, loggers);
            var (sample, made) = await CalibrateAsync(model.Package, setup, options, files, new CalibrationRequest(promise, result.GetValue(_version)), error, cancellationToken)
                .ConfigureAwait(false);
            Show(sample, made, error);
            report?.Content.Write(CalibrationReport.Of(model.Package, made, sample));
            report?.Content.Flush();
            var package = copy.Complete(made.Manifest, cancellationToken);
            report?.Commit();
            PackageLine.Show(package, result.InvocationConfiguration);
            return ExitCode.Success;
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is CalibrationException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"error: {(exception is CalibrationException ? exception.Message : CommandFailure.Explain(exception))}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("interrupted; nothing was written").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be written there.</exception>
    private static AtomicFile OpenReport(string path) =>
        Directory.Exists(path) ? throw new IOException($"{Path.GetFullPath(path)} is a folder: --report needs the name of a file.") : new AtomicFile(path);

    private static List<(string Path, bool IsForged)> Files(CalibrationFolders folders, RatePromise promise)
    {
        var authentic = CalibrationFolders.FilesOf(folders.Authentic);
        IReadOnlyList<string> forged = folders.Forged is { } folder ? CalibrationFolders.FilesOf(folder) : [];
        if (folders.Forged is not null && forged.Count == 0)
        {
            throw new CalibrationException($"{folders.Forged} holds no files: expected forged pictures, or no --forged.");
        }

        return authentic.Count == 0 ? throw new CalibrationException($"{folders.Authentic} holds no files: expected authentic pictures.")
            : authentic.Count < promise.Needed ? throw new CalibrationException(CalibrationWarnings.TooFew($"the {authentic.Count} files in {folders.Authentic} are", promise))
            : [.. authentic.Select(static path => (path, false)), .. forged.Select(static path => (path, true))];
    }

    private static async Task<(CalibrationSample Sample, CalibratedManifest Made)> CalibrateAsync(
        ModelPackage package,
        ExecutionSetup setup,
        LoupeOptions options,
        IReadOnlyList<(string Path, bool IsForged)> files,
        CalibrationRequest request,
        TextWriter error,
        CancellationToken cancellationToken)
    {
        var ladder = await setup.StartLadderAsync(cancellationToken).ConfigureAwait(false);
        await using (ladder.ConfigureAwait(false))
        {
            // On one provider: others compute slightly other scores.
            using var lane = ladder.OpenLane(pinned: true);
            var sample = await new PictureAnalysis(lane, options, new ProgressLines(error).Show).RunAsync(files, cancellationToken).ConfigureAwait(false);
            return (sample, CalibratedManifest.Of(package, sample, request, lane.Execution, TimeProvider.System.GetUtcNow()));
        }
    }

    private static void Show(CalibrationSample sample, CalibratedManifest made, TextWriter error)
    {
        ShowFiles(error, "files left out", [.. sample.LeftOut.Select(static file => $"{file.Path}: {file.Reason}")]);
        ShowFiles(error, "files are copies of others, and count once", sample.Copies);
        foreach (var line in CalibrationLines.Of(made.Manifest))
        {
            error.WriteLine(line);
        }

        foreach (var warning in made.Warnings)
        {
            error.WriteLine($"warning: {warning}");
        }
    }

    private static void ShowFiles(TextWriter error, string what, IReadOnlyList<string> files)
    {
        if (files.Count == 0)
        {
            return;
        }

        error.WriteLine($"warning: {files.Count} {what}:");
        foreach (var file in files.Take(FilesShown))
        {
            error.WriteLine($"  {file}");
        }

        if (files.Count > FilesShown)
        {
            error.WriteLine($"  and {files.Count - FilesShown} more, which --report names");
        }
    }

    /// <summary>A line for each tenth of the files.</summary>
    private sealed class ProgressLines(TextWriter error)
    {
        private int _tenth;

        public void Show(int done, int of)
        {
            if (10L * done / of is var tenth && tenth > _tenth)
            {
                _tenth = (int)tenth;
                error.WriteLine($"analysed {done} of {of} files");
            }
        }
    }
}
