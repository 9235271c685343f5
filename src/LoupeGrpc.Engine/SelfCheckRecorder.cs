using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine;

/// <summary>Computes what a new package's golden self-check holds, and whether each precision keeps to it.</summary>
public static class SelfCheckRecorder
{
    /// <summary>Runs both graphs without operators of our own once, on the CPU, on a fixed input.</summary>
    /// <param name="package">Need not have a self-check yet.</param>
    /// <param name="precision">Default: single, which is the measure for all but <see cref="PackageLayout.Int8"/>.</param>
    /// <returns>The input and the outputs, named as in <see cref="PackageTensors"/>, each with a leading batch of 1.</returns>
    /// <exception cref="ModelLoadException">The graphs do not load or do not run; the message says why.</exception>
    public static IReadOnlyList<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> Record(
        ModelPackage package, string precision = PackageLayout.Fp32)
    {
        using var model = LoupeModel.Load(package, ExecutionTarget.Cpu with { Precision = precision }, Environment.ProcessorCount, graphs: GraphKind.Standard);
        return Running(package, () => SelfCheck.Record(model));
    }

    /// <summary>Runs the recorded self-check on the CPU in a precision.</summary>
    /// <exception cref="SelfCheckException">That precision is too far off.</exception>
    /// <exception cref="ModelLoadException">It does not load or does not run; the message says why.</exception>
    public static SelfCheckReport Verify(ModelPackage package, string precision)
    {
        using var model = LoupeModel.Load(package, ExecutionTarget.Cpu with { Precision = precision }, Environment.ProcessorCount);
        using var slot = RunSlot.Allocate(model, rows: 1);
        using var pixels = model.CreatePixels();
        return Running(package, () => SelfCheck.Read(model, package).Run(slot, pixels, bucket: 1, row: 0));
    }

    private static T Running<T>(ModelPackage package, Func<T> run)
    {
        try
        {
            return run();
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"{package.Directory}: the graphs do not run: {exception.Message}", exception);
        }
    }
}
