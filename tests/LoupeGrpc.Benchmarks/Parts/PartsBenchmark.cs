using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary><c>parts</c>: what each frame pays outside the model, part by part, by BenchmarkDotNet.</summary>
internal static class PartsBenchmark
{
    private static readonly Option<string> Filter = new("--filter")
    {
        HelpName = "GLOB",
        Description = "Only benchmarks of this name, e.g. *RunLength*.",
        DefaultValueFactory = static _ => "*",
    };

    private static readonly Option<string> Output = new("--output")
    {
        HelpName = "DIR",
        Description = "Where the tables go, as Markdown.",
        DefaultValueFactory = static _ => "artifacts/benchmarks",
    };

    private static readonly Option<bool> Quick = new("--quick") { Description = "Each once, to see that it runs. The numbers mean nothing." };

    private static readonly Option<bool> Short = new("--short") { Description = "Three runs of each after three to warm up: some two minutes, with wider errors." };

    public static Command Create()
    {
        var command = new Command("parts", "Kernels and parts: preprocessing, mask decoding, run lengths, sniffing, planning.") { Filter, Output, Quick, Short };
        command.SetAction(static result =>
        {
            // In this process: a project that BenchmarkDotNet writes would be built by this repository's rules.
            var job = result.GetValue(Quick) ? Job.Dry : result.GetValue(Short) ? Job.ShortRun : Job.Default;
            var config = ManualConfig.CreateEmpty()
                .AddJob(job.WithToolchain(InProcessEmitToolchain.Instance))
                .AddDiagnoser(MemoryDiagnoser.Default)
                .AddColumnProvider(DefaultColumnProviders.Instance)
                .AddExporter(MarkdownExporter.GitHub)
                .AddLogger(ConsoleLogger.Default)
                .WithArtifactsPath(Path.GetFullPath(result.GetRequiredValue(Output)));
            var summaries = BenchmarkSwitcher.FromAssembly(typeof(PartsBenchmark).Assembly).Run(["--filter", result.GetRequiredValue(Filter)], config);
            return summaries.Any(static summary => summary.HasCriticalValidationErrors || summary.Reports.Any(static report => !report.Success)) ? 1 : 0;
        });
        return command;
    }
}
