using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine;

/// <summary>Computes what a new package's golden self-check holds.</summary>
public static class SelfCheckRecorder
{
    /// <summary>Runs both graphs once, in single precision on the CPU, on a fixed input.</summary>
    /// <param name="package">Need not have a self-check yet.</param>
    /// <returns>The input and the outputs, named as in <see cref="PackageTensors"/>, each with a leading batch of 1.</returns>
    /// <exception cref="ModelLoadException">The graphs do not load or do not run; the message says why.</exception>
    public static IReadOnlyList<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> Record(ModelPackage package)
    {
        using var model = LoupeModel.Load(package, ExecutionTarget.Cpu, Environment.ProcessorCount);
        try
        {
            return SelfCheck.Record(model);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"{package.Directory}: the graphs do not run: {exception.Message}", exception);
        }
    }
}
