using System.Numerics.Tensors;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Quantization;

/// <summary>
/// A matrix of weights [out,in] as signed 8-bit numbers [in,out]: each output's weights are divided by a scale of their own and rounded, halves to the even number.
/// They are within -127 to 127, so that a matrix and its negative are quantised alike.
/// </summary>
internal sealed class QuantizedMatrix : Initializer
{
    public const int Largest = 127;

    private readonly Initializer _matrix;
    private readonly float[] _scales;
    private readonly int _inputs;

    private QuantizedMatrix(string name, Initializer matrix, float[] scales, int inputs)
        : base(name, [inputs, scales.Length], ElementType.Int8)
    {
        _matrix = matrix;
        _scales = scales;
        _inputs = inputs;
    }

    /// <summary>By output.</summary>
    public IReadOnlyList<float> Scales => _scales;

    /// <summary>The whole: its columns are the rows that are read.</summary>
    public override int RowLength => _inputs * _scales.Length;

    /// <summary>Reads the matrix once for its scales, unless the checkpoint is known not to fit.</summary>
    public static QuantizedMatrix Of(Initializer matrix, TensorLedger tensors)
    {
        var scales = new float[(int)matrix.Shape[0]];
        Array.Fill(scales, 1);
        int inputs = (int)matrix.Shape[1];
        if (tensors.IsValid)
        {
            var row = new float[inputs];
            for (int output = 0; output < scales.Length; output++)
            {
                matrix.ReadRows(tensors.Source, output, row);
                scales[output] = ScaleOf(row);
            }
        }

        return new QuantizedMatrix(matrix.Name + ".int8", matrix, scales, inputs);
    }

    /// <summary>So that the largest weight becomes 127; of weights that are all zero it is 1.</summary>
    public static float ScaleOf(ReadOnlySpan<float> weights) =>
        TensorPrimitives.MaxMagnitude(weights) is var largest && MathF.Abs(largest) is > 0 and var magnitude ? magnitude / Largest : 1;

    /// <summary>A weight in 8 bits.</summary>
    public static float Quantize(float weight, float scale) => Math.Clamp(MathF.Round(weight / scale, MidpointRounding.ToEven), -Largest, Largest);

    public override void ReadRows(ITensorSource source, long firstRow, Span<float> destination)
    {
        var row = new float[_inputs];
        for (int output = 0; output < _scales.Length; output++)
        {
            _matrix.ReadRows(source, output, row);
            for (int input = 0; input < row.Length; input++)
            {
                destination[input * _scales.Length + output] = Quantize(row[input], _scales[output]);
            }
        }
    }
}
