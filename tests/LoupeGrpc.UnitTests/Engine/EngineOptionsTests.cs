using LoupeGrpc.Engine;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

public sealed class EngineOptionsTests
{
    [Fact]
    public void Defaults_are_in_order() => Assert.Empty(new EngineOptions().Validate());

    [Fact]
    public async Task Every_value_out_of_range_is_told_with_its_setting()
    {
        var options = new EngineOptions
        {
            MaxFramesInPipeline = 0,
            MaxBytesInPipeline = 1,
            MaxFramesWaiting = -1,
            DecodeWorkers = 65,
            ConcurrentRuns = -1,
            IntraOpThreads = 257,
            Limits = new EngineLimits { MaxFrameBytes = 0, MaxPixels = 1L << 40, MaxSide = 65_536 },
        };

        var errors = options.Validate();

        Assert.Equal(9, errors.Count);
        Assert.Contains("Loupe:Engine:MaxFramesInPipeline is 0: expected a whole number from 1 to 1024.", errors);
        Assert.Contains("Loupe:Limits:MaxPixels is 1099511627776: expected a whole number from 1 to 1073741824.", errors);
        var exception = await Assert.ThrowsAsync<ArgumentException>(() => LoupeEngine.StartAsync(
            TestPackages.Nano, options, ExecutionTarget.Cpu, NullLoggerFactory.Instance, TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Contains("Loupe:Limits:MaxSide", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 30, "Loupe:Engine:RunTimeoutFactor is 1: expected 0, or 2 and more: runs differ by chance.")]
    [InlineData(-1, 30, "Loupe:Engine:RunTimeoutFactor is -1: expected a whole number from 0 to 100000.")]
    [InlineData(100_001, 30, "Loupe:Engine:RunTimeoutFactor is 100001: expected a whole number from 0 to 100000.")]
    [InlineData(50, 0.5, "Loupe:Engine:MinRunTimeout is 500 ms: expected a duration from 1 s to 24 h, such as 90, 90s or 00:01:30.")]
    [InlineData(50, 100_000, "Loupe:Engine:MinRunTimeout is 100000 s: expected a duration from 1 s to 24 h, such as 90, 90s or 00:01:30.")]
    [InlineData(0, 1, null)]
    [InlineData(2, 86_400, null)]
    public void The_limits_of_a_run_have_their_ranges(int factor, double least, string? error) => Assert.Equal(
        error is null ? [] : [error], new EngineOptions { RunTimeoutFactor = factor, MinRunTimeout = TimeSpan.FromSeconds(least) }.Validate());
}
