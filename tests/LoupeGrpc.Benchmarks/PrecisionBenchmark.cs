using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>precision</c>: encoder and segmentor of a package in each of its precisions on the CPU, in turn, on one thread and on all.</summary>
internal static class PrecisionBenchmark
{
    private static readonly Option<string> Model = new("--model") { HelpName = "DIR", Description = "Model package. Default: the embedded model in fp32 and int8, which takes a while to convert." };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        HelpName = "N",
        Description = "Runs of each graph in each precision, in turn; the medians count.",
        DefaultValueFactory = static _ => 60,
    };

    public static Command Create()
    {
        var command = new Command("precision", "Encoder and segmentor in each precision of a package on the CPU, in turn.") { Model, Rounds };
        Rounds.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--rounds must be 1 or more");
            }
        });
        command.SetAction(static (result, cancellationToken) =>
        {
            var package = result.GetValue(Model) is { } directory ? ModelPackage.Open(directory) : TestPackages.NanoInt8;
            var output = result.InvocationConfiguration.Output;
            output.WriteLine($"{package.Manifest.Name}@{package.ShortHash}, {package.Manifest.ImageSize} px, {Environment.ProcessorCount} cores. Medians in ms; each ratio is that of the first precision to this one. CPU: processor time of both graphs, on which others on the machine have little effect.");
            output.WriteLine("threads  precision   encoder  ratio  segmentor  ratio      both  ratio       CPU  ratio");
            foreach (int threads in new[] { 1, Environment.ProcessorCount }.Distinct())
            {
                Measure(package, threads, result.GetValue(Rounds), output, cancellationToken);
            }

            return Task.FromResult(0);
        });
        return command;
    }

    private static void Measure(ModelPackage package, int threads, int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        var runs = package.Manifest.Precisions.Keys.Select(precision => new Run(package, precision, threads)).ToList();
        try
        {
            for (int round = 0; round <= rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();

                // The first round warms up.
                runs.ForEach(run => run.Once(counts: round > 0));
            }

            runs.ForEach(run => output.WriteLine(run.ToLine(threads, runs[0])));
        }
        finally
        {
            runs.ForEach(static run => run.Dispose());
        }
    }

    private sealed class Run : IDisposable
    {
        private readonly string _precision;
        private readonly LoupeModel _model;
        private readonly RunSlot _slot;
        private readonly TensorBuffer _pixels;
        private readonly List<double> _encoder = [];
        private readonly List<double> _segmentor = [];
        private readonly List<double> _processor = [];

        public Run(ModelPackage package, string precision, int threads)
        {
            _precision = precision;
            _model = LoupeModel.Load(package, ExecutionTarget.Cpu with { Precision = precision }, threads);
            _slot = RunSlot.Allocate(_model, rows: 1);
            _pixels = _model.CreatePixels();
            SelfCheckInput.Fill(_pixels.Values, package.Manifest.ImageSize);
        }

        private double Encoder => Median(_encoder);

        private double Segmentor => Median(_segmentor);

        private double Both => Median([.. _encoder.Zip(_segmentor, static (encoder, segmentor) => encoder + segmentor)]);

        private double Processor => Median(_processor);

        public void Once(bool counts)
        {
            var processor = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            _slot.Encode(_pixels);
            var encoded = Stopwatch.GetElapsedTime(start);
            _slot.PseudoLabels.Values[0] = Scores.OfLogit(_slot.ClsLogits.Values[0]);
            start = Stopwatch.GetTimestamp();
            _slot.Segment(new RowRange(0, 1));
            var segmented = Stopwatch.GetElapsedTime(start);
            processor = Environment.CpuUsage.TotalTime - processor;
            if (counts)
            {
                _processor.Add(processor.TotalMilliseconds);
                _encoder.Add(encoded.TotalMilliseconds);
                _segmentor.Add(segmented.TotalMilliseconds);
            }
        }

        public string ToLine(int threads, Run first) => string.Create(
            CultureInfo.InvariantCulture,
            $"{threads,7}  {_precision,-9} {Encoder,9:F2} {first.Encoder / Encoder,6:F2} {Segmentor,10:F2} {first.Segmentor / Segmentor,6:F2} {Both,9:F2} {first.Both / Both,6:F2} {Processor,9:F2} {first.Processor / Processor,6:F2}");

        public void Dispose()
        {
            _pixels.Dispose();
            _slot.Dispose();
            _model.Dispose();
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
