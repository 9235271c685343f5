using System.Text;

namespace LoupeGrpc.Engine.Providers;

/// <summary>The smallest graph that is one: <c>y = Relu(x)</c> over 16 numbers. Every provider has this operator.</summary>
internal static class OneNodeGraph
{
    public const string Input = "x";
    public const string Output = "y";

    public const int Length = 16;

    /// <summary>A <c>ModelProto</c>, written by hand: the engine knows no other graph than those of a package.</summary>
    public static byte[] Model { get; } = WriteModel();

    private static byte[] WriteModel()
    {
        var node = Message(Text(1, Input), Text(2, Output), Text(4, "Relu"));
        var graph = Message(Field(1, node), Text(2, "probe"), Field(11, Tensor(Input)), Field(12, Tensor(Output)));
        var operators = Message(Text(1, string.Empty), Number(2, 17));
        return Message(Number(1, 8), Field(7, graph), Field(8, operators));
    }

    /// <summary>A <c>ValueInfoProto</c> of single-precision numbers.</summary>
    private static byte[] Tensor(string name)
    {
        var shape = Field(1, Number(1, Length));
        return Message(Text(1, name), Field(2, Field(1, Message(Number(1, 1), Field(2, shape)))));
    }

    private static byte[] Message(params byte[][] fields) => [.. fields.SelectMany(static field => field)];

    private static byte[] Text(int field, string value) => Field(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Numbers and lengths below 128 are one byte.</summary>
    private static byte[] Number(int field, int value) => [(byte)(field << 3), checked((byte)value)];

    private static byte[] Field(int field, byte[] content) =>
        content.Length < 128 ? [(byte)((field << 3) | 2), (byte)content.Length, .. content] : throw new InvalidOperationException("The graph has become too large.");
}
