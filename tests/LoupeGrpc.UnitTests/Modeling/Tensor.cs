using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Values and their shape, outermost first.</summary>
internal sealed record Tensor(long[] Shape, float[] Values)
{
    public static Tensor Read(SafetensorsFile file, string name) => new([.. file.Tensors[name].Shape], file.ReadFloats(name));

    /// <summary>Equal shapes below a new first side.</summary>
    public static Tensor Stack(IReadOnlyList<Tensor> parts) => new([parts.Count, .. parts[0].Shape], [.. parts.SelectMany(static part => part.Values)]);

    /// <summary>One picture of a batch, as a batch of one.</summary>
    public Tensor Picture(int index)
    {
        int length = Values.Length / (int)Shape[0];
        return new Tensor([1, .. Shape[1..]], Values[(index * length)..((index + 1) * length)]);
    }

    /// <summary>Every <paramref name="steps"/>-th element along each side.</summary>
    public Tensor Sample(params int[] steps)
    {
        long[] shape = [.. Shape.Zip(steps, static (side, step) => (side + step - 1) / step)];
        var values = new float[shape.Aggregate(1L, static (product, side) => product * side)];
        for (int i = 0; i < values.Length; i++)
        {
            long rest = i;
            long index = 0;
            long stride = 1;
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                index += rest % shape[axis] * steps[axis] * stride;
                rest /= shape[axis];
                stride *= Shape[axis];
            }

            values[i] = Values[index];
        }

        return new Tensor(shape, values);
    }

    /// <summary>The largest difference of two tensors of one shape; not a number counts as infinite.</summary>
    public float DistanceTo(Tensor other)
    {
        Assert.Equal(other.Shape, Shape);
        float largest = 0;
        for (int i = 0; i < Values.Length; i++)
        {
            float distance = MathF.Abs(Values[i] - other.Values[i]);
            largest = float.IsNaN(distance) ? float.PositiveInfinity : MathF.Max(largest, distance);
        }

        return largest;
    }
}
