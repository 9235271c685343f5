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
