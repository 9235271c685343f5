using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
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
    public static Task<LoupeEngine> StartAsync(
        EngineOptions? options = null, ModelPackage? package = null, TimeProvider? time = null, string precision = PackageLayout.Fp32) =>
        LoupeEngine.StartAsync(
            package ?? TestPackages.Nano,
            options ?? new EngineOptions(),
            ExecutionTarget.Cpu with { Precision = precision },
            NullLoggerFactory.Instance,
            time ?? TimeProvider.System,
            TestContext.Current.CancellationToken);
}
