using Google.Protobuf;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>The rig that stands in for a GPU's rounding rounds as halves do.</summary>
public sealed class HalfRoundingTests
{
    [Fact]
    public void Every_kind_of_number_becomes_the_nearest_half()
    {
        var random = new Random(1);
        float[] values =
        [
            0, -0f, 1, -1, 1 / 3f, 2049, 2051, 65504, 65519, -65519, 65520, 65536, -1e6f, 6.1e-5f, 6.0e-5f, 5.9e-8f, 2e-8f, -3.1e-7f,
            .. Enumerable.Range(0, 1000).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-26, 18)))),
        ];
        var builder = new GraphBuilder("rounding", ElementType.Float16, new TensorLedger(MemoryWeights.OfTiny("tiny-s")), new WeightFile());
        builder.Output("y", builder.Input("x", ElementType.Float32, Dim.Batch).ToCompute().ToSingle(), Dim.Batch);
        var model = builder.Build("tests");
        string weights = Path.GetTempFileName();
        string rounded = Path.GetTempFileName();
        try
        {
            using (var file = File.Create(rounded))
            {
                HalfRounding.Apply(model, weights, file);
            }

            using var session = new InferenceSession(model.ToByteArray());
            using var input = OrtValue.CreateTensorValueFromMemory(values, [values.Length]);
            using var options = new RunOptions();
            using var outputs = session.Run(options, ["x"], [input], ["y"]);

            Assert.Equal(values.Select(static value => (float)(Half)value), outputs[0].GetTensorDataAsSpan<float>().ToArray());
        }
        finally
        {
            File.Delete(weights);
            File.Delete(rounded);
        }
    }
}
