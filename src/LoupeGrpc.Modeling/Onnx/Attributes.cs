using Google.Protobuf;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>Attributes of a node, in the order they are added.</summary>
internal sealed class Attributes
{
    private readonly List<AttributeProto> _items = [];

    public IReadOnlyList<AttributeProto> Items => _items;

    public Attributes Int(string name, long value) => Add(new AttributeProto { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int });

    public Attributes Float(string name, float value) => Add(new AttributeProto { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float });

    public Attributes String(string name, string value) =>
        Add(new AttributeProto { Name = name, S = ByteString.CopyFromUtf8(value), Type = AttributeProto.Types.AttributeType.String });

    public Attributes Ints(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return Add(attribute);
    }

    public Attributes Graph(string name, GraphProto value) => Add(new AttributeProto { Name = name, G = value, Type = AttributeProto.Types.AttributeType.Graph });

    private Attributes Add(AttributeProto attribute)
    {
        _items.Add(attribute);
        return this;
    }
}
