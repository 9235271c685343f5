using System.CommandLine;
using LoupeGrpc.Benchmarks;
using LoupeGrpc.Benchmarks.Parts;

return await new RootCommand("Measures the engine. Close what else runs first: the numbers are medians of one run on one machine.")
{
    ExecutionBenchmark.Create(),
    AdaptationBenchmark.Create(),
    DecodingBenchmark.Create(),
    VideoBenchmark.Create(),
    ServerLoad.Create(),
    PartsBenchmark.Create(),
}.Parse(args).InvokeAsync();
