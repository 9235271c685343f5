using System.CommandLine;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>execution</c>: frames a second, latency and memory of the engine on each provider and batch, against ONNX Runtime alone on the same graphs.</summary>
internal static class ExecutionBenchmark
{
    private static readonly Option<string> Model = new("--model") { HelpName = "DIR", Description = "Model package. Default: the embedded model." };

    private static readonly Option<string[]> Providers = new("--provider")
    {
        HelpName = "NAME",
        Description = "CPU, CUDA, TensorRT. May be repeated. Default: CPU.",
        DefaultValueFactory = static _ => ["CPU"],
    };

    private static readonly Option<string> Precision = new("--precision")
    {
        HelpName = "fp32|fp16|int8",
        Description = "Folder of the package.",
        DefaultValueFactory = static _ => PackageLayout.Fp32,
    };

    private static readonly Option<int[]> Batches = new("--batch")
    {
        HelpName = "N",
        Description = "Frames that a run takes. May be repeated. Default: 1, 2, 4, 8.",
        DefaultValueFactory = static _ => [1, 2, 4, 8],
    };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        HelpName = "N",
        Description = "Rounds of two seconds each for engine and ONNX Runtime, in turn; the medians count.",
        DefaultValueFactory = static _ => 3,
    };

    public static Command Create()
    {
        var command = new Command("execution", "Frames a second, latency and memory by provider and batch, against ONNX Runtime alone on the same graphs.")
        {
            Model, Providers, Precision, Batches, Rounds,
        };
        command.SetAction(static async (result, cancellationToken) =>
        {
            var package = result.GetValue(Model) is { } directory ? ModelPackage.Open(directory) : TestPackages.Nano;
            var output = result.InvocationConfiguration.Output;
            output.WriteLine($"{package.Manifest.Name}@{package.ShortHash}, {package.Manifest.ImageSize} px, {Environment.ProcessorCount} cores. Every frame gets a mask. Alone: encoder and segmentor by ONNX Runtime, nothing else.");
            output.WriteLine("provider   precision  batch   frames/s    alone  ratio   p50 ms   p95 ms  memory MiB  GPU MiB");
            var failed = false;
            foreach (string provider in result.GetRequiredValue(Providers))
            {
                foreach (int batch in result.GetRequiredValue(Batches))
                {
                    try
                    {
                        var row = await MeasureAsync(package, Target(package, provider, result.GetRequiredValue(Precision), batch), result.GetValue(Rounds), cancellationToken);
                        output.WriteLine(row.ToLine(provider, result.GetRequiredValue(Precision), batch));
                    }
                    catch (ModelLoadException exception)
                    {
                        failed = true;
                        result.InvocationConfiguration.Error.WriteLine($"{provider}: {exception.Message}");
                        break;
                    }
                }
            }

            return failed ? 1 : 0;
        });
        return command;
    }

    private static ExecutionTarget Target(ModelPackage package, string provider, string precision, int batch)
    {
        int[] buckets = batch == 1 ? [1] : [1, batch];
        return provider switch
        {
            "CPU" => ExecutionTarget.Cpu with { Precision = precision, Buckets = buckets },
            "CUDA" => new ExecutionTarget { Kind = ProviderKind.Cuda, Provider = provider, Precision = precision, Buckets = buckets, Options = ProviderOptions.Cuda(0) },
            "TensorRT" => new ExecutionTarget
            {
                Kind = ProviderKind.TensorRt,
                Provider = provider,
                Precision = precision,
                Buckets = buckets,
                Options = ProviderOptions.TensorRt(package.Manifest, buckets, 0, Directory.CreateTempSubdirectory("loupe-benchmark-").FullName),
            },
            _ => throw new ModelLoadException("is no provider that this benchmark knows: CPU, CUDA, TensorRT"),
        };
    }

    private static async Task<Row> MeasureAsync(ModelPackage package, ExecutionTarget target, int rounds, CancellationToken cancellationToken)
    {
        await using var engine = await EngineLoad.StartAsync(package, target, cancellationToken);
        using var alone = new GraphsAlone(package, target, target.Buckets[^1]);
        List<double> engineRates = [], aloneRates = [], latencies = [];
        for (int i = 0; i < rounds; i++)
        {
            engineRates.Add(await engine.RunAsync(latencies, cancellationToken));
            aloneRates.Add(alone.Run());
        }

        latencies.Sort();
        return new Row(Median(engineRates), Median(aloneRates), latencies[latencies.Count / 2], latencies[(int)(0.95 * (latencies.Count - 1))], Environment.WorkingSet >> 20, GpuMemory.OfThisProcess());
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed record Row(double Engine, double Alone, double P50, double P95, long Memory, string Gpu)
    {
        public string ToLine(string provider, string precision, int batch) => string.Create(
            CultureInfo.InvariantCulture,
            $"{provider,-10} {precision,-9} {batch,6} {Engine,10:F1} {Alone,8:F1} {Engine / Alone,6:F2} {P50,8:F1} {P95,8:F1} {Memory,11} {Gpu,8}");
    }
}
