using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace LoupeGrpc.Server.Inference;

/// <summary>A tensor of an answer.</summary>
internal abstract record OutputTensor(string Name, string Datatype, IReadOnlyList<long> Shape)
{
    /// <summary>Bytes of its raw form.</summary>
    public abstract int RawLength { get; }

    /// <summary>Little-endian; elements of BYTES with their length before them.</summary>
    public abstract void WriteRaw(Span<byte> destination);
}

/// <param name="Parts">One behind the other.</param>
internal sealed record FloatTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<ReadOnlyMemory<float>> Parts) : OutputTensor(Name, FloatTensor.Type, Shape)
{
    public const string Type = "FP32";

    public override int RawLength => Parts.Sum(static part => part.Length * sizeof(float));

    public override void WriteRaw(Span<byte> destination)
    {
        foreach (var part in Parts)
        {
            MemoryMarshal.AsBytes(part.Span).CopyTo(destination);
            destination = destination[(part.Length * sizeof(float))..];
        }
    }
}

internal sealed record IntegerTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<long> Values) : OutputTensor(Name, IntegerTensor.Type, Shape)
{
    public const string Type = "INT64";

    public override int RawLength => Values.Count * sizeof(long);

    public override void WriteRaw(Span<byte> destination)
    {
        for (var i = 0; i < Values.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(destination[(i * sizeof(long))..], Values[i]);
        }
    }
}

/// <param name="Elements">ASCII.</param>
internal sealed record TextTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<ReadOnlyMemory<byte>> Elements) : OutputTensor(Name, TextTensor.Type, Shape)
{
    public const string Type = "BYTES";

    public override int RawLength => Elements.Sum(static element => sizeof(uint) + element.Length);

    public override void WriteRaw(Span<byte> destination)
    {
        foreach (var element in Elements)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)element.Length);
            element.Span.CopyTo(destination[sizeof(uint)..]);
            destination = destination[(sizeof(uint) + element.Length)..];
        }
    }
}
