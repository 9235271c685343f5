namespace LoupeGrpc.Modeling.Onnx;

/// <summary>One side of a graph input or output: a number, or a name that is bound when the graph runs.</summary>
internal readonly record struct Dim(long Length, string? Symbol)
{
    /// <summary>The number of pictures in a run.</summary>
    public static Dim Batch { get; } = new(0, "B");

    public static implicit operator Dim(long length) => new(length, null);

    public static implicit operator Dim(int length) => new(length, null);
}
