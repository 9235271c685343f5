using BenchmarkDotNet.Attributes;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary>Which run the frames at hand become: asked before every run.</summary>
public class PlanningBenchmarks
{
    private readonly BatchPlanner _planner = CreatePlanner();

    [Params(1, 8, 64)]
    public int Waiting { get; set; }

    [Benchmark]
    public int NextRun() => _planner.NextRun(Waiting);

    private static BatchPlanner CreatePlanner()
    {
        int[] buckets = [1, 2, 4, 8];
        var times = new RunTimes();
        foreach (int bucket in buckets)
        {
            for (int run = 0; run < 15; run++)
            {
                times.Record(bucket, TimeSpan.FromMilliseconds(10 + (4 * bucket)));
            }
        }

        return new BatchPlanner(new BatchSizes(buckets), times);
    }
}
