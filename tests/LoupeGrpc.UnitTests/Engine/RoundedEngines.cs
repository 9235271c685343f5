using System.Collections.Concurrent;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.UnitTests.Engine;
using LoupeGrpc.UnitTests.Modeling;
using Xunit;

[assembly: AssemblyFixture(typeof(RoundedEngines))]

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>
/// Engines of half precision, rounded as on a GPU (<see cref="HalfRounding"/>), each started when first asked for and shared by all tests: ONNX Runtime takes
/// seconds to load their graphs.
/// </summary>
public sealed class RoundedEngines : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<LoupeEngine>>> _engines = new(StringComparer.Ordinal);

    public Task<LoupeEngine> StartAsync(ModelPackage package) => _engines.GetOrAdd(
        package.Directory,
        _ => new Lazy<Task<LoupeEngine>>(() => EngineFixture.StartAsync(
            package: HalfRounding.PackageOf(package), target: ExecutionTarget.Cpu with { Precision = PackageLayout.Fp16 }))).Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in _engines.Values)
        {
            await (await engine.Value).DisposeAsync();
        }
    }
}
