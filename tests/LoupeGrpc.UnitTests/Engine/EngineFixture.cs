using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>An engine with the embedded model, shared by the tests of a class.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    public LoupeEngine Engine { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Engine = await StartAsync();

    public ValueTask DisposeAsync() => Engine.DisposeAsync();

    /// <param name="package">Null: the embedded model.</param>
    /// <param name="target">Null: what the tests run on (<see cref="TestTarget"/>), one frame a run.</param>
    public static Task<LoupeEngine> StartAsync(
        EngineOptions? options = null,
        ModelPackage? package = null,
        TimeProvider? time = null,
        ExecutionTarget? target = null,
        ILoggerFactory? loggers = null,
        IMeterFactory? meters = null) =>
        LoupeEngine.StartAsync(
            package ?? TestPackages.Nano,
            options ?? new EngineOptions(),
            target ?? TestTarget.For(package ?? TestPackages.Nano),
            loggers ?? NullLoggerFactory.Instance,
            time ?? TimeProvider.System,
            TestContext.Current.CancellationToken,
            meters);
}
