using System.CommandLine;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>adaptation</c>: what a step costs beside the frame that it learns from.</summary>
internal static class AdaptationBenchmark
{
    private static readonly Option<string> Model = new("--model") { HelpName = "DIR", Description = "Model package. Default: the embedded model." };

    private static readonly Option<string> Precision = new("--precision")
    {
        HelpName = "fp32|fp16|int8",
        Description = "Folder of the package.",
        DefaultValueFactory = static _ => PackageLayout.Fp32,
    };

    private static readonly Option<int> Frames = new("--frames")
    {
        HelpName = "N",
        Description = "Frames of each kind, in turn; the medians count.",
        DefaultValueFactory = static _ => 100,
    };

    public static Command Create()
    {
        var command = new Command("adaptation", "The cost of a step of adaptation on the CPU, beside frames of a session that does not adapt.") { Model, Precision, Frames };
        Frames.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--frames must be 1 or more");
            }
        });
        command.SetAction(static async (result, cancellationToken) =>
        {
            var package = result.GetValue(Model) is { } directory ? ModelPackage.Open(directory) : TestPackages.Nano;
            var output = result.InvocationConfiguration.Output;
            var target = ExecutionTarget.Cpu with { Precision = result.GetRequiredValue(Precision) };
            await using var engine = await LoupeEngine.StartAsync(
                package, new EngineOptions(), target, NullLoggerFactory.Instance, TimeProvider.System, cancellationToken);
            output.WriteLine(
                $"{package.Manifest.Name}@{package.ShortHash} {target.Precision}, {package.Manifest.ImageSize} px, {Environment.ProcessorCount} cores. Every frame gets a mask. Medians in ms.");
            var (plain, adapting) = await MeasureAsync(engine, result.GetValue(Frames), cancellationToken);
            WriteLine(output, "plain", plain);
            WriteLine(output, "adapting", adapting);
            double step = Median(adapting, static timings => timings.Adapt);
            double runs = Median(adapting, static timings => timings.Encode) + Median(adapting, static timings => timings.Segment);
            double frame = Median(adapting, static timings => timings.Total) / Median(plain, static timings => timings.Total);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"A step is {step / runs:P1} of encode and segment. An adapting frame takes {frame:F2} times as long as a plain one, step included."));
        });
        return command;
    }

    private static async Task<(List<StageTimings> Plain, List<StageTimings> Adapting)> MeasureAsync(LoupeEngine engine, int frames, CancellationToken cancellationToken)
    {
        var frame = NoiseFrame.Of(engine.Package);
        var plain = new AnalysisRequest { MaskPolicy = MaskPolicy.Always };

        // Each frame steps: no bound ends it, and none is too unsure to teach.
        var adapting = plain with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { Guard = null, MinConfidence = 0 }) };
        (List<StageTimings> Plain, List<StageTimings> Adapting) timings = ([], []);
        await AnalyzeAsync(adapting);
        for (int i = 0; i < frames; i++)
        {
            timings.Plain.Add(await AnalyzeAsync(plain));
            timings.Adapting.Add(await AnalyzeAsync(adapting));
        }

        return timings;

        async Task<StageTimings> AnalyzeAsync(AnalysisRequest request)
        {
            var outcome = await engine.AnalyzeAsync(frame, request, cancellationToken);
            return outcome.Succeeded ? outcome.Analysis.Timings : throw new InvalidOperationException(outcome.Failure.Message);
        }
    }

    private static void WriteLine(TextWriter output, string name, List<StageTimings> timings) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-9} encode {Median(timings, static t => t.Encode),8:F2}   segment {Median(timings, static t => t.Segment),8:F2}   step {Median(timings, static t => t.Adapt),7:F2}   frame {Median(timings, static t => t.Total),8:F2}"));

    private static double Median(List<StageTimings> timings, Func<StageTimings, TimeSpan> stage) =>
        timings.Select(timing => stage(timing).TotalMilliseconds).Order().ElementAt(timings.Count / 2);
}
