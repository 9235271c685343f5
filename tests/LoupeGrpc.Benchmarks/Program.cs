using System.CommandLine;
using LoupeGrpc.Benchmarks;
using LoupeGrpc.Benchmarks.Comparison;
using LoupeGrpc.Benchmarks.Parts;
using LoupeGrpc.Benchmarks.Scaling;
using LoupeGrpc.Benchmarks.Temporal;

return await new RootCommand("Measures the engine. Close what else runs first: the numbers are medians of one run on one machine.")
{
    ExecutionBenchmark.Create(),
    AdaptationBenchmark.Create(),
    PrecisionBenchmark.Create(),
    DecodingBenchmark.Create(),
    VideoBenchmark.Create(),
    TemporalCommand.Create(),
    ServerLoad.Create(),
    CompareCommand.Create(),
    ScaleCommand.Create(),
    PartsBenchmark.Create(),
}.Parse(args).InvokeAsync();
