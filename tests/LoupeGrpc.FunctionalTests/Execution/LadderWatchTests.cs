using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary>What watches over a device runs with nobody waiting for it: its own faults must not leave a server that answers nothing and serves on.</summary>
public sealed class LadderWatchTests(NanoEngine nano)
{
    [Fact]
    public async Task A_lost_device_is_the_end_even_where_it_cannot_be_logged()
    {
        var options = new ExecutionOptions
        {
            Providers = [LadderServer.Provider],
            Buckets = [1],
            Plugins =
            [
                new PluginSettings
                {
                    Name = LadderServer.Provider,
                    Path = StandIn.Library,
                    // Some more than the start takes.
                    Options = new Dictionary<string, string> { ["fail_after_runs"] = "100" },
                },
            ],
        };
        var log = new FullDisk();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        await using var ladder = await ExecutionSetup.Create(nano.Package, options, new EngineOptions(), TestHost.Create(null), TimeProvider.System, loggers)
            .StartLadderAsync(Patience.Token());
        Assert.Equal(LadderServer.Provider, ladder.Execution.Provider);
        Assert.False(ladder.Lost.IsCompleted);

        using var lane = ladder.OpenLane(pinned: false);
        var frame = new EncodedInput(await File.ReadAllBytesAsync(TestData.Sample("authentic-rocket.png"), Patience.Token()));
        for (var i = 0; i < 200 && !ladder.Lost.IsCompleted; i++)
        {
            await lane.AnalyzeAsync(frame, new AnalysisRequest(), Patience.Token());
        }

        Assert.StartsWith($"{LadderServer.Provider}: ", await ladder.Lost.WaitAsync(Patience.Token()), StringComparison.Ordinal);
        Assert.Equal(RungState.Demoted, ladder.Ladder[0].State);
        Assert.True(log.WasFull);
    }

    /// <summary>A log that takes no critical line of the ladder.</summary>
    private sealed class FullDisk : ILoggerProvider, ILogger
    {
        public bool WasFull { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Critical;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            WasFull = true;
            throw new IOException("No space left on device");
        }

        public void Dispose()
        {
        }
    }
}
