using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.TestSupport;

/// <summary>What the engine's tests run on: the CPU, unless <c>LOUPE_TEST_PROVIDER</c> names CUDA or TensorRT (<c>tests/gpu/run.sh</c>).</summary>
public static class TestTarget
{
    private static readonly Lazy<string> _engines = new(static () => Directory.CreateTempSubdirectory("loupe-test-engines-").FullName);

    public static ExecutionTarget For(ModelPackage package) => Environment.GetEnvironmentVariable("LOUPE_TEST_PROVIDER") switch
    {
        null or "" or "CPU" => ExecutionTarget.Cpu,
        "CUDA" => new ExecutionTarget { Kind = ProviderKind.Cuda, Provider = "CUDA", Options = ProviderOptions.Cuda(0) },
        "TensorRT" => new ExecutionTarget
        {
            Kind = ProviderKind.TensorRt,
            Provider = "TensorRT",
            // One place for each package: engines are found by their names in it.
            Options = ProviderOptions.TensorRt(package.Manifest, [1], 0, Directory.CreateDirectory(Path.Combine(_engines.Value, package.ShortHash)).FullName),
        },
        var unknown => throw new InvalidOperationException($"LOUPE_TEST_PROVIDER is '{unknown}': CPU, CUDA or TensorRT."),
    };
}
