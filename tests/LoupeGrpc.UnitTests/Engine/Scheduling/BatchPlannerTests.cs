using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Scheduling;

public sealed class BatchPlannerTests
{
    // Milliseconds of a run of 1, 2, 4 and 8 frames.
    private static readonly double[] Gpu = [10, 12, 16, 26];
    private static readonly double[] SmallGain = [10, 14, 31, 64];
    private static readonly double[] NoGain = [10, 20, 40, 80];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    // One run of four with a gap (16) beats two and one (22).
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    // One run of eight with gaps (26) ties with four and one (26): the smaller ones, of which four come first.
    [InlineData(5, 4)]
    [InlineData(6, 6)]
    [InlineData(7, 7)]
    [InlineData(8, 8)]
    [InlineData(9, 8)]
    [InlineData(1000, 8)]
    public void Runs_grow_where_a_device_gains_by_it(int waiting, int expected) => Assert.Equal(expected, Planner(Gpu).NextRun(waiting));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    // Two and one (24) beat four with a gap (31); two first, for 7 ms each.
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(8, 2)]
    public void Frames_are_split_where_a_gap_costs_more_than_it_saves(int waiting, int expected) => Assert.Equal(expected, Planner(SmallGain).NextRun(waiting));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(100)]
    public void Nothing_waits_for_others_where_nothing_is_gained(int waiting) => Assert.Equal(1, Planner(NoGain).NextRun(waiting));

    [Fact]
    public void A_gain_within_the_noise_is_none() => Assert.Equal(1, Planner([10, 19.8, 39.4, 79]).NextRun(8));

    [Fact]
    public void The_median_of_the_last_runs_counts_and_not_one_of_them()
    {
        var planner = Planner(Gpu);
        for (int i = 0; i < 7; i++)
        {
            planner.Record(8, TimeSpan.FromMilliseconds(26));
        }

        planner.Record(8, TimeSpan.FromSeconds(5));
        Assert.Equal(8, planner.NextRun(8));

        for (int i = 0; i < 15; i++)
        {
            planner.Record(8, TimeSpan.FromMilliseconds(90));
        }

        Assert.Equal(4, planner.NextRun(8));
    }

    [Fact]
    public void A_bucket_that_never_ran_is_not_chosen()
    {
        var times = new RunTimes();
        times.Record(1, TimeSpan.FromMilliseconds(10));

        Assert.Equal(1, new BatchPlanner(new BatchSizes([1, 2, 4]), times).NextRun(4));
        Assert.Equal(0.04, times.Of(4), 1e-6);
    }

    [Fact]
    public void Times_of_zero_still_give_a_plan()
    {
        var planner = Planner([0, 0, 0, 0]);

        Assert.InRange(planner.NextRun(5), 1, 5);
        Assert.Equal([new RowRange(1, 1), new RowRange(3, 1)], planner.Cover([1, 3], new RowRange(0, 4)));
    }

    [Theory]
    // All of them, one run.
    [InlineData("0 1 2 3 4 5 6 7", 8, "0+8")]
    // Four beside each other.
    [InlineData("2 3 5", 8, "2+4")]
    // At the end of the batch a run begins before the frame that it is for.
    [InlineData("7", 8, "7+1")]
    [InlineData("5 6 7", 8, "4+4")]
    // Far apart: 1 and 1 (20) beat eight (26).
    [InlineData("0 7", 8, "0+1 7+1")]
    // 2 and 1 (22) beat eight.
    [InlineData("0 1 7", 8, "0+2 7+1")]
    // 4 and 1 (26) tie with eight: the smaller ones.
    [InlineData("0 3 7", 8, "0+4 7+1")]
    [InlineData("0 3 5 7", 8, "0+8")]
    [InlineData("0", 1, "0+1")]
    [InlineData("1", 2, "1+1")]
    public void Runs_over_rows_touch_every_wanted_row_once(string wanted, int rows, string expected)
    {
        int[] numbers = [.. wanted.Split(' ').Select(int.Parse)];

        var runs = Planner(Gpu).Cover(numbers, new RowRange(0, rows));

        Assert.Equal(expected, string.Join(' ', runs.Select(static run => $"{run.First}+{run.Count}")));
    }

    [Fact]
    public void Any_rows_of_any_batch_are_covered_without_overlap_within_it()
    {
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            double[] times = [.. Enumerable.Range(0, 4).Select(_ => 1 + (50 * random.NextDouble()))];
            int rows = 1 << random.Next(4);
            int before = random.Next(3);
            int[] wanted = [.. Enumerable.Range(before, rows).Where(_ => random.Next(2) == 0)];
            if (wanted.Length == 0)
            {
                continue;
            }

            var sizes = new BatchSizes([1, 2, 4, 8]);
            if (random.Next(3) == 0)
            {
                sizes.Halve(8);
            }

            var runs = Planner(times, sizes).Cover(wanted, new RowRange(before, rows));

            int end = before;
            foreach (var run in runs)
            {
                Assert.InRange(run.First, end, before + rows - run.Count);
                Assert.InRange(run.Count, 1, sizes.Largest);
                end = run.End;
            }

            Assert.All(wanted, row => Assert.Single(runs, run => row >= run.First && row < run.End));
        }
    }

    [Fact]
    public void What_does_not_fit_is_halved_until_one_is_left()
    {
        var sizes = new BatchSizes([1, 3, 4, 8]);
        Assert.Equal((8, 1, 3, 8), (sizes.Largest, sizes.BucketOf(1), sizes.BucketOf(2), sizes.BucketOf(5)));

        Assert.Equal(4, sizes.Halve(8));
        Assert.Null(sizes.Halve(8));
        Assert.Equal([1, 3, 4], sizes.Buckets.ToArray());
        Assert.Equal(1, sizes.Halve(4));
        Assert.Null(sizes.Halve(1));
        Assert.Equal([1], sizes.Buckets.ToArray());
    }

    private static BatchPlanner Planner(double[] milliseconds, BatchSizes? sizes = null)
    {
        var times = new RunTimes();
        for (int i = 0; i < milliseconds.Length; i++)
        {
            times.Record(1 << i, TimeSpan.FromMilliseconds(milliseconds[i]));
        }

        return new BatchPlanner(sizes ?? new BatchSizes([1, 2, 4, 8]), times);
    }
}
