using System.CommandLine;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Calibration;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>convert</c>: checkpoint to model package.</summary>
internal static class ConvertCommand
{
    private static readonly Option<string[]> Weights = new("--weights")
    {
        HelpName = "FILE|DIR",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        Description = "Checkpoint: safetensors, PyTorch (.pt, .pth), the index of a model in shards, or a folder of Hugging Face or DeepSpeed. Repeat for more: later ones overlay earlier ones.",
    };

    private static readonly Option<string> Config = new("--config")
    {
        HelpName = "FILE",
        Required = true,
        Description = "The model's settings: the authors' config.yaml, or our config.json.",
    };

    private static readonly Option<string> Output = new("--output")
    {
        HelpName = "DIR",
        Required = true,
        Description = "Directory for the package. It is written whole or not at all.",
    };

    private static readonly Option<string> Name = new("--name")
    {
        HelpName = "NAME",
        Description = "The model's name, shown to clients. Default: the name of the output directory.",
    };

    private static readonly Option<string> ModelVersion = new("--model-version")
    {
        HelpName = "VERSION",
        DefaultValueFactory = static _ => "1",
        Description = "The model's version, shown to clients.",
    };

    private static readonly Option<string> Precision = new("--precision")
    {
        HelpName = "fp32,fp16,int8",
        DefaultValueFactory = static _ => PackageLayout.Fp32,
        Description = "Precisions to write, separated by commas. fp16 holds weights and matrix products in half the bytes, for GPUs; a CPU runs it slowly. int8, beside fp32, is for CPUs with VNNI.",
    };

    private static readonly Option<string?> Pictures = new("--calibration")
    {
        HelpName = "DIR",
        Description = "For int8: folder of pictures of the kind that will be analysed, on which ranges are measured and answers compared with fp32's. Default: the samples that come with the program.",
    };

    private static readonly Option<string> Tiles = new Option<string>("--tiles")
    {
        HelpName = "native|off",
        DefaultValueFactory = static _ => "off",
        Description = "native: the model was trained on pixels as they are, and may look at large pictures in tiles. off: it was trained on pictures resized to its input.",
    }.AcceptOnlyFromAmong("native", "off");

    private static readonly Option<bool> Averaged = new("--ema")
    {
        Description = "Where a file holds averaged (EMA) weights beside the plain ones, take the averaged. Default: the plain.",
    };

    private static readonly Option<bool> Overwrite = new("--overwrite") { Description = "Replace a package that already exists at the output." };

    public static Command Create()
    {
        var command = new Verb(
            "convert",
            "Turns a Loupe checkpoint into a model package that 'serve --model' takes.",
            """
            Needs no Python, and never holds all weights in memory. Records what the model answers to a fixed input; every start repeats that and refuses to serve if the machine computes anything else.
            Prefixes of wrappers (module., model., _orig_mod. and the like) are stripped from the tensors' names; what each file gave is shown. A file that gives nothing is refused, and so are weights that are not finite numbers.
            int8 is refused where a score on one of the pictures differs from fp32's by more than 0.005, or a mask overlaps with fp32's by an IoU below 0.97; layers that cost too much stay fp32.
            Exit codes: 0 written, 1 not written (and why), 2 wrong usage, 130 interrupted. Nothing half-written is left behind.

            Example: the backbone as published, then what was trained on top of it
              loupe-grpc-server convert --weights pe-core-l14.pt --weights stage-cls.safetensors --weights stage-seg.safetensors \
                --config config.yaml --output models/loupe-l14
            """)
        {
            Weights, Config, Output, Name, ModelVersion, Precision, Pictures, Tiles, Averaged, Overwrite,
        };
        Precision.Validators.Add(static result =>
        {
            var precisions = Precisions(result.GetValueOrDefault<string>());
            foreach (var unknown in precisions.Except(PackageLayout.Precisions, StringComparer.Ordinal))
            {
                result.AddError($"--precision: '{unknown}' cannot be written; choose from {string.Join(", ", PackageLayout.Precisions)}");
            }

            foreach (var repeated in precisions.CountBy(static precision => precision).Where(static count => count.Value > 1))
            {
                result.AddError($"--precision: '{repeated.Key}' is given {repeated.Value} times, once is enough");
            }
        });
        command.Validators.Add(static result =>
        {
            // Defaults are not there yet.
            var precisions = Precisions(result.GetValue(Precision) ?? PackageLayout.Fp32);
            bool isQuantized = precisions.Contains(PackageLayout.Int8);
            if (isQuantized && !precisions.Contains(PackageLayout.Fp32))
            {
                result.AddError("--precision: int8 needs fp32 beside it, which devices and CPUs without VNNI run: --precision fp32,int8");
            }

            if (!isQuantized && result.GetValue(Pictures) is not null)
            {
                result.AddError("--calibration is for --precision fp32,int8");
            }
        });
        command.SetAction(static (result, cancellationToken) => Task.Run(() => Run(result, cancellationToken), CancellationToken.None));
        return command;
    }

    private static string[] Precisions(string list) => list.Split(',', StringSplitOptions.TrimEntries);

    private static int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var error = result.InvocationConfiguration.Error;
        var output = result.GetRequiredValue(Output);
        var name = result.GetValue(Name) is { Length: > 0 } given ? given : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)));
        try
        {
            var options = new PackageOptions(name, result.GetRequiredValue(ModelVersion), Demonstration: false, ProductVersion.Name, result.GetValue(Overwrite))
            {
                Precisions = Precisions(result.GetRequiredValue(Precision)),
                Tiles = result.GetRequiredValue(Tiles) == "native" ? new TileSettings(Bias: 0) : null,
            };
            var request = new ConversionRequest(result.GetRequiredValue(Config), result.GetRequiredValue(Weights), output, options)
            {
                TakeAveraged = result.GetValue(Averaged),
                Progress = new ProgressLines(error).Show,
                Pictures = result.GetValue(Pictures) is { } folder ? CalibrationFolders.FilesOf(folder) : null,
                Quantization = new QuantizationLines(error),
                Verified = (precision, report) => error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{precision} checked: {report.Output} differs by {report.Distance:G2} (at most {report.Tolerance:G1} is allowed)")),
            };
            PackageLine.Show(ModelConversion.Run(request, cancellationToken), result.InvocationConfiguration);
            return ExitCode.Success;
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is CalibrationException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"error: {(exception is CalibrationException ? exception.Message : CommandFailure.Explain(exception))}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("interrupted; nothing was written");
            return ExitCode.Interrupted;
        }
    }

    /// <summary>What int8 was measured on and what became of it, and a line for each tenth of the layers.</summary>
    private sealed class QuantizationLines(TextWriter error) : IQuantizationWatch
    {
        private int _tenth;

        public void Read(QuantizationPictures pictures)
        {
            foreach (var (path, reason) in pictures.LeftOut)
            {
                error.WriteLine($"warning: left out {path}: {reason}");
            }

            error.WriteLine($"measuring int8 on {pictures.Count} pictures{(pictures.Offered > QuantizationPictures.Most ? $" of {pictures.Offered}" : string.Empty)}");
        }

        public void Tried(int layers, int of)
        {
            if (10 * layers / of is var tenth && tenth > _tenth)
            {
                _tenth = tenth;
                error.WriteLine($"tried {layers} of {of} layers in 8 bits");
            }
        }

        public void Quantized(QuantizationSettings settings)
        {
            foreach (var line in QuantizationText.Of(settings))
            {
                error.WriteLine(line);
            }
        }
    }

    /// <summary>Lines for each phase and each tenth of the weights.</summary>
    private sealed class ProgressLines(TextWriter error)
    {
        private long _tenth = -1;

        public void Show(PackageProgress progress)
        {
            switch (progress.Phase)
            {
                case PackagePhase.Graphs:
                    error.WriteLine("checking the tensors and laying out the graphs");
                    break;
                case PackagePhase.Checked:
                    foreach (var line in progress.Weights!.SelectMany(static file => file.Describe()))
                    {
                        error.WriteLine(line);
                    }

                    break;
                case PackagePhase.Staged:
                    error.WriteLine("recording the self-check");
                    break;
                case PackagePhase.Weights when progress.BytesTotal > 0 && 10 * progress.BytesWritten / progress.BytesTotal is var tenth && tenth > _tenth:
                    _tenth = tenth;
                    error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"writing weights: {10 * tenth} % of {progress.BytesTotal / 1e6:F1} MB"));
                    break;
                default:
                    break;
            }
        }
    }
}
