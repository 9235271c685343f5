using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Runs the package's recorded input and compares: the only defence against a build, a machine or a file that computes something else.</summary>
internal static class SelfCheck
{
    /// <summary>
    /// Of the root mean square of the difference, relative to that of the recorded output (to 1 where that is smaller). Another order of summation,
    /// which is what another CPU or a newer ONNX Runtime does, stays near 1e-6 for the small models (their graphs unoptimised and on one thread against
    /// this) and may be some hundred times that at full size, where a blocked cell of the attention can tip over; a wrong weight, a wrong operator or
    /// half precision by accident are far above.
    /// </summary>
    public const double Fp32Tolerance = 1e-3;

    /// <summary>
    /// In the measure of <see cref="Fp32Tolerance"/>, for weights and products in half precision: rounding them moves the outputs by some thousandths
    /// of their size, more where a cell of the attention mask tips over.
    /// </summary>
    public const double Fp16Tolerance = 5e-2;

    private static readonly string[] Outputs = [PackageTensors.ClsLogit, PackageTensors.PatchLogits, PackageTensors.MaskLogits, PackageTensors.ClassLogits];

    /// <returns>The output that came nearest to what is allowed.</returns>
    /// <exception cref="SelfCheckException">An output is further off than the precision allows.</exception>
    /// <exception cref="ModelLoadException">The recorded values cannot be read, or the graphs do not run.</exception>
    public static SelfCheckReport Run(LoupeModel model, RunSlot slot, ModelPackage package)
    {
        var file = package.Manifest.SelfCheck
            ?? throw new ModelLoadException($"{package.Directory} has no self-check. Convert the model again.");
        string path = package.PathOf(file);
        try
        {
            using var recorded = SafetensorsFile.Open(path);
            Read(recorded, PackageTensors.PixelValues, slot.PixelValues.Values);
            Compute(model, slot);
            double tolerance = ToleranceOf(model.Precision);
            var report = new SelfCheckReport(string.Empty, -1, tolerance, slot.Batch);
            foreach (string name in Outputs)
            {
                var actual = Output(slot, name).Values;
                var expected = new float[actual.Length];
                Read(recorded, name, expected);
                double distance = Distance(expected, actual);
                if (distance > report.Distance)
                {
                    report = report with { Output = name, Distance = distance };
                }
            }

            return report.Passed ? report : throw Failed(package, report);
        }
        catch (Exception exception) when (exception is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"{path} cannot be read: {exception.Message}", exception);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"{package.Directory}: the self-check does not run: {exception.Message}", exception);
        }
    }

    /// <summary>The fixed input and what this machine answers to it.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> Record(LoupeModel model, RunSlot slot)
    {
        SelfCheckInput.Fill(slot.PixelValues.Values, model.Manifest.ImageSize);
        Compute(model, slot);
        var tensors = new List<(string, IReadOnlyList<long>, ReadOnlyMemory<float>)> { Copy(PackageTensors.PixelValues, slot.PixelValues) };
        tensors.AddRange(Outputs.Select(name => Copy(name, Output(slot, name))));
        return tensors;
    }

    /// <summary>How far <paramref name="actual"/> is from <paramref name="expected"/>, in the measure of <see cref="Fp32Tolerance"/>; infinite where a value is not finite.</summary>
    internal static double Distance(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double difference = 0;
        double reference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double delta = (double)actual[i] - expected[i];
            difference += delta * delta;
            reference += (double)expected[i] * expected[i];
        }

        double distance = Math.Sqrt(difference / Math.Max(reference, expected.Length));
        return double.IsFinite(distance) ? distance : double.PositiveInfinity;
    }

    private static double ToleranceOf(string precision) => precision == PackageLayout.Fp16 ? Fp16Tolerance : Fp32Tolerance;

    private static void Compute(LoupeModel model, RunSlot slot)
    {
        slot.Encode();
        slot.PseudoLabels.Values[0] = Scores.OfLogit(slot.ClsLogits.Values[0]);
        slot.SetParameters(0, model.BaseParameters);
        slot.Segment();
    }

    private static TensorBuffer Output(RunSlot slot, string name) => name switch
    {
        PackageTensors.ClsLogit => slot.ClsLogits,
        PackageTensors.PatchLogits => slot.PatchLogits,
        PackageTensors.MaskLogits => slot.MaskLogits,
        _ => slot.ClassLogits,
    };

    private static (string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values) Copy(string name, TensorBuffer buffer) =>
        (name, buffer.Shape, buffer.Values.ToArray());

    private static void Read(SafetensorsFile file, string name, Span<float> destination)
    {
        if (!file.Tensors.TryGetValue(name, out var tensor) || tensor.Length != destination.Length)
        {
            throw new ModelLoadException($"{file.Path} has no tensor {name} with {destination.Length} elements. Convert the model again.");
        }

        file.ReadFloats(tensor, 0, destination);
    }

    private static SelfCheckException Failed(ModelPackage package, SelfCheckReport report) => new(
        $"{package.Directory}: the self-check fails: {report.Output} is off by {report.Distance:G3} (root mean square, relative), {report.Tolerance:G1} is allowed. "
        + "The package or ONNX Runtime computes something else on this machine than where the model was converted.",
        report);
}
