using System.Runtime.InteropServices;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The package's recorded input and answers, to be compared with: the only defence against a build, a machine, a provider or a file that computes something else.</summary>
internal sealed class SelfCheck
{
    /// <summary>
    /// Of the root mean square of the difference, relative to that of the recorded output (to 1 where that is smaller). Another order of summation,
    /// which is what another CPU or a newer ONNX Runtime does, stays near 1e-6 for the small models (their graphs unoptimised and on one thread against
    /// this) and may be some hundred times that at full size, where a blocked cell of the attention can tip over; a wrong weight, a wrong operator or
    /// half precision by accident are far above.
    /// </summary>
    public const double Fp32Tolerance = 1e-3;

    /// <summary>
    /// In the measure of <see cref="Fp32Tolerance"/>, for weights and products in half precision. Measured with every half rounded as on a GPU: the recorded
    /// outputs of the small models up to 6e-3; at the size L14 logits of the encoder up to 5e-4, masks and classes up to 7e-3.
    /// </summary>
    public const double Fp16Tolerance = 5e-2;

    /// <summary>
    /// In the measure of <see cref="Fp32Tolerance"/>, against what 8 bits themselves answered where the package was made. Products of whole numbers are exact everywhere;
    /// what is between them rounds as in single precision, and now and then by another order of summation to the next of 256 values.
    /// </summary>
    public const double Int8Tolerance = 1e-2;

    private static readonly string[] Outputs = [PackageTensors.ClsLogit, PackageTensors.PatchLogits, PackageTensors.MaskLogits, PackageTensors.ClassLogits];

    private readonly LoupeModel _model;
    private readonly string _directory;
    private readonly Dictionary<string, float[]> _expected;

    private SelfCheck(LoupeModel model, string directory, float[] pixels, Dictionary<string, float[]> expected)
    {
        _model = model;
        _directory = directory;
        _expected = expected;
        Pixels = pixels;
    }

    /// <summary>The recorded input, [1,3,S,S].</summary>
    public float[] Pixels { get; }

    /// <summary>Reads what the package has recorded.</summary>
    /// <exception cref="ModelLoadException">There is nothing, it cannot be read, or it does not fit the manifest.</exception>
    public static SelfCheck Read(LoupeModel model, ModelPackage package)
    {
        var file = package.FilesOf(model.Target.Precision).SelfCheck ?? package.Manifest.SelfCheck
            ?? throw new ModelLoadException($"{package.Directory} has no self-check. Convert the model again.");
        string path = package.PathOf(file);
        try
        {
            using var recorded = SafetensorsFile.Open(path);
            var shapes = new TensorShapes(package.Manifest, 1);
            return new SelfCheck(
                model,
                package.Directory,
                Read(recorded, PackageTensors.PixelValues, shapes.PixelValues),
                Outputs.ToDictionary(static name => name, name => Read(recorded, name, ShapeOf(shapes, name))));
        }
        catch (Exception exception) when (exception is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Runs both graphs once over a batch that holds the recorded input in one row, and its mirror image in the others.</summary>
    /// <param name="slot">At least as many rows as the bucket.</param>
    /// <param name="pixels">[1,3,S,S], overwritten.</param>
    /// <param name="row">Of the recorded input, below <paramref name="bucket"/>.</param>
    /// <returns>The output that came nearest to what is allowed.</returns>
    /// <exception cref="SelfCheckException">An output is further off than the precision allows.</exception>
    /// <exception cref="OnnxRuntimeException">A graph does not run.</exception>
    public SelfCheckReport Run(RunSlot slot, TensorBuffer pixels, int bucket, int row)
    {
        Compute(slot, pixels, bucket, row);
        var report = new SelfCheckReport(string.Empty, -1, ToleranceOf(_model.Target.Precision), bucket);
        foreach (string name in Outputs)
        {
            double distance = Distance(_expected[name], Output(slot, name).Row(row));
            if (distance > report.Distance)
            {
                report = report with { Output = name, Distance = distance };
            }
        }

        return report.Passed ? report : throw Failed(report);
    }

    /// <summary>What the last <see cref="Run"/> over a bucket of one left in the slot, bit by bit.</summary>
    public static byte[] Answers(RunSlot slot) => [.. Outputs.SelectMany(name => MemoryMarshal.AsBytes(Output(slot, name).Row(0)).ToArray())];

    /// <summary>The fixed input and what this machine answers to it.</summary>
    /// <exception cref="OnnxRuntimeException">A graph does not run.</exception>
    public static IReadOnlyList<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> Record(LoupeModel model)
    {
        using var slot = RunSlot.Allocate(model, rows: 1);
        using var pixels = model.CreatePixels();
        SelfCheckInput.Fill(pixels.Values, model.Manifest.ImageSize);
        slot.Encode(pixels);
        Segment(slot, new RowRange(0, 1));
        return [Copy(PackageTensors.PixelValues, pixels), .. Outputs.Select(name => Copy(name, Output(slot, name)))];
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

    private void Compute(RunSlot slot, TensorBuffer pixels, int bucket, int row)
    {
        Pixels.CopyTo(pixels.Values);
        if (bucket == 1)
        {
            slot.Encode(pixels);
        }
        else
        {
            slot.Load(row, pixels);
            pixels.Values.Reverse();
            for (int other = 0; other < bucket; other++)
            {
                if (other != row)
                {
                    slot.Load(other, pixels);
                }
            }

            slot.Encode(bucket);
        }

        for (int i = 0; i < bucket; i++)
        {
            slot.SetParameters(i, _model.BaseParameters);
        }

        Segment(slot, new RowRange(0, bucket));
    }

    /// <summary>With the parameters that the slot has.</summary>
    private static void Segment(RunSlot slot, RowRange rows)
    {
        for (int row = 0; row < rows.Count; row++)
        {
            slot.PseudoLabels.Values[row] = Scores.OfLogit(slot.ClsLogits.Values[row]);
        }

        slot.Segment(rows);
    }

    private static double ToleranceOf(string precision) => precision switch
    {
        PackageLayout.Fp16 => Fp16Tolerance,
        PackageLayout.Int8 => Int8Tolerance,
        _ => Fp32Tolerance,
    };

    private static TensorBuffer Output(RunSlot slot, string name) => name switch
    {
        PackageTensors.ClsLogit => slot.ClsLogits,
        PackageTensors.PatchLogits => slot.PatchLogits,
        PackageTensors.MaskLogits => slot.MaskLogits,
        _ => slot.ClassLogits,
    };

    private static long[] ShapeOf(TensorShapes shapes, string name) => name switch
    {
        PackageTensors.ClsLogit => shapes.ClsLogit,
        PackageTensors.PatchLogits => shapes.PatchLogits,
        PackageTensors.MaskLogits => shapes.MaskLogits,
        _ => shapes.ClassLogits,
    };

    private static (string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values) Copy(string name, TensorBuffer buffer) =>
        (name, buffer.Shape, buffer.Values.ToArray());

    private static float[] Read(SafetensorsFile file, string name, long[] shape)
    {
        long length = shape.Aggregate(1L, static (product, side) => product * side);
        return file.Tensors.TryGetValue(name, out var tensor) && tensor.Length == length
            ? file.ReadFloats(name)
            : throw new ModelLoadException($"{file.Path} has no tensor {name} with {length} elements. Convert the model again.");
    }

    private SelfCheckException Failed(SelfCheckReport report) => new(
        $"{_directory}: the self-check fails: {report.Output} is off by {report.Distance:G3} (root mean square, relative), {report.Tolerance:G1} is allowed. "
        + "The package, ONNX Runtime or the provider gives other results here than where the model was converted.",
        report);
}
