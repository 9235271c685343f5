using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>
/// A tensor in a graph under construction. Each operation adds a node and returns its result, so that a model part reads as a formula.
/// Operands must have the same element type: a mistake in a graph shows where it is made, not when ONNX Runtime loads it.
/// </summary>
internal sealed class Value(GraphBuilder graph, string name, ElementType type)
{
    private readonly Dictionary<ElementType, Value> _casts = [];

    public GraphBuilder Graph => graph;

    public string Name => name;

    public ElementType Type => type;

    public static Value operator +(Value left, Value right) => left.Binary("Add", right);

    public static Value operator -(Value left, Value right) => left.Binary("Sub", right);

    public static Value operator *(Value left, Value right) => left.Binary("Mul", right);

    public static Value operator /(Value left, Value right) => left.Binary("Div", right);

    public static Value operator +(Value left, float right) => left + ScalarLike(left, right);

    public static Value operator -(Value left, float right) => left - ScalarLike(left, right);

    public static Value operator -(float left, Value right) => ScalarLike(right, left) - right;

    public static Value operator *(Value left, float right) => left * ScalarLike(left, right);

    public static Value operator /(Value left, float right) => left / ScalarLike(left, right);

    public static Value operator -(Value value) => value.Unary("Neg");

    /// <summary>Asked for again, it is the same node.</summary>
    public Value Cast(ElementType to)
    {
        if (to == type)
        {
            return this;
        }

        if (!_casts.TryGetValue(to, out var cast))
        {
            cast = graph.Node("Cast", to, [this], new Attributes().Int("to", (long)GraphBuilder.DataTypeOf(to)));
            _casts.Add(to, cast);
        }

        return cast;
    }

    public Value ToSingle() => Cast(ElementType.Float32);

    /// <summary>In the type of weights and matrix products.</summary>
    public Value ToCompute() => Cast(graph.Compute);

    /// <summary>-1 stands for what is left; the batch is always that side, so no other may be.</summary>
    public Value Reshape(params long[] shape) => graph.Node("Reshape", type, [this, graph.Int64s(shape)]);

    /// <summary>Everything behind the batch in one axis.</summary>
    public Value Flatten() => graph.Node("Flatten", type, [this], new Attributes().Int("axis", 1));

    public Value Transpose(params long[] order) => graph.Node("Transpose", type, [this], new Attributes().Ints("perm", order));

    public Value MatMul(Value right) => Binary("MatMul", right);

    public Value LogSoftmax() => graph.Node("LogSoftmax", type, [this], new Attributes().Int("axis", -1));

    public Value Softmax() => graph.Node("Softmax", type, [this], new Attributes().Int("axis", -1));

    public Value Relu() => Unary("Relu");

    public Value Sigmoid() => Unary("Sigmoid");

    public Value Log() => Unary("Log");

    public Value Abs() => Unary("Abs");

    public Value Floor() => Unary("Floor");

    public Value Min(Value right) => Binary("Min", right);

    public Value Max(Value right) => Binary("Max", right);

    /// <summary>The exact GELU, x·½·(1 + erf(x/√2)), in the order of operations that ONNX Runtime replaces by its own Gelu.</summary>
    public Value Gelu() => this * ((this / MathF.Sqrt(2)).Unary("Erf") + 1) * 0.5f;

    public Value Mean(int axis) => graph.Node("ReduceMean", type, [this], new Attributes().Ints("axes", axis).Int("keepdims", 0));

    public Value Sum(int axis, bool keep = false) =>
        graph.Node("ReduceSum", type, [this, graph.Int64s(axis)], new Attributes().Int("keepdims", keep ? 1 : 0));

    /// <summary>Index of the smallest along an axis, the first of equals; int64.</summary>
    public Value ArgMin(int axis) => graph.Node("ArgMin", ElementType.Int64, [this], new Attributes().Int("axis", axis).Int("keepdims", 0));

    /// <summary>The largest along the last axis, which stays with length 1.</summary>
    public Value MaxOfLast() => graph.Node("ReduceMax", type, [this], new Attributes().Ints("axes", -1).Int("keepdims", 1));

    public Value Slice(int axis, long start, long end) =>
        graph.Node("Slice", type, [this, graph.Int64s(start), graph.Int64s(end), graph.Int64s(axis)]);

    /// <summary>Zeros before the first element of an axis.</summary>
    public Value PadFront(int rank, int axis, long count)
    {
        var pads = new long[2 * rank];
        pads[axis] = count;
        return graph.Node("Pad", type, [this, graph.Int64s(pads)]);
    }

    public Value[] Split(int axis, params long[] lengths) =>
        graph.Nodes("Split", type, lengths.Length, [this, graph.Int64s(lengths)], new Attributes().Int("axis", axis));

    public static Value Concat(int axis, params Value[] parts) =>
        parts[0].Graph.Node("Concat", parts[0].Type, parts, new Attributes().Int("axis", axis));

    /// <summary>This tensor's rows named by int32 or int64 <paramref name="rows"/>.</summary>
    public Value Gather(Value rows) => graph.Node("Gather", type, [this, rows], new Attributes().Int("axis", 0));

    /// <summary>As int64.</summary>
    public Value Shape() => graph.Node("Shape", ElementType.Int64, [this]);

    public Value Expand(Value shape) => graph.Node("Expand", type, [this, shape]);

    public Value Equal(Value right) => graph.Node("Equal", ElementType.Bool, [this, Same(right)]);

    public Value Less(Value right) => graph.Node("Less", ElementType.Bool, [this, Same(right)]);

    /// <summary>To 8 bits, round(x / scale) + zero point within 0 … 255; halves go to the even number.</summary>
    /// <param name="scale">A scalar of this type.</param>
    /// <param name="zeroPoint">A scalar, uint8.</param>
    public Value Quantize(Value scale, Value zeroPoint) => graph.Node("QuantizeLinear", ElementType.UInt8, [this, Same(scale), zeroPoint]);

    /// <summary>Of all elements; [1].</summary>
    public Value Smallest() => graph.Node("ReduceMin", type, [this], new Attributes().Int("keepdims", 0)).Reshape(1);

    /// <summary>Of all elements; [1].</summary>
    public Value Largest() => graph.Node("ReduceMax", type, [this], new Attributes().Int("keepdims", 0)).Reshape(1);

    /// <summary>Elementwise choice by this boolean tensor.</summary>
    public Value Where(Value whenTrue, Value whenFalse) => graph.Node("Where", whenTrue.Type, [this, whenTrue, whenTrue.Same(whenFalse)]);

    /// <summary>x·Wᵀ + b for a matrix x and W as checkpoints store it, [out, in]. x is cast to W's type, which the result has.</summary>
    public Value Gemm(Value weight, Value? bias)
    {
        var x = Cast(weight.Type);
        Value Plain() => graph.Node("Gemm", weight.Type, bias is null ? [x, weight] : [x, weight, weight.Same(bias)], new Attributes().Int("transB", 1));
        return graph.Linear?.Apply(x, weight, bias, Plain) ?? Plain();
    }

    /// <summary>Over the last axis; fp32 whatever the element type, and so is the result.</summary>
    public Value LayerNorm(Value weight, Value bias, float epsilon) =>
        graph.Node("LayerNormalization", ElementType.Float32, [ToSingle(), weight, bias], new Attributes().Int("axis", -1).Float("epsilon", epsilon));

    /// <summary>Over everything behind the first two axes; fp32 whatever the element type, and so is the result.</summary>
    public Value InstanceNorm(Value weight, Value bias, float epsilon) =>
        graph.Node("InstanceNormalization", ElementType.Float32, [ToSingle(), weight, bias], new Attributes().Float("epsilon", epsilon));

    public Value Conv(Value weight, Value? bias, int kernel, int stride = 1, int padding = 0, long groups = 1) =>
        Convolution("Conv", weight, bias, kernel, stride, padding, groups);

    public Value ConvTranspose(Value weight, Value? bias, int kernel, int stride) =>
        Convolution("ConvTranspose", weight, bias, kernel, stride, padding: 0, groups: 1);

    public Value MaxPool(int kernel, int stride) =>
        graph.Node("MaxPool", type, [this], new Attributes().Ints("kernel_shape", kernel, kernel).Ints("strides", stride, stride));

    /// <summary>A square map resized bilinearly, the corners not aligned, without antialiasing: <c>interpolate(mode="bilinear", align_corners=False)</c>.</summary>
    public Value Resize(int from, int to)
    {
        // By a factor, as sizes would have to hold the batch. Runtimes take the whole part of side times factor, so the factor must not be rounded down.
        float factor = (float)to / from;
        while ((int)(from * factor) < to)
        {
            factor = MathF.BitIncrement(factor);
        }

        return graph.Node(
            "Resize",
            type,
            [this, null, graph.Floats(1, 1, factor, factor)],
            new Attributes().String("mode", "linear").String("coordinate_transformation_mode", "half_pixel"));
    }

    private static Value ScalarLike(Value like, float value) => like.Graph.Scalar(value, like.Type);

    /// <summary>This map is cast to the weight's type, which the result has.</summary>
    private Value Convolution(string operation, Value weight, Value? bias, int kernel, int stride, int padding, long groups) =>
        graph.Node(
            operation,
            weight.Type,
            bias is null ? [Cast(weight.Type), weight] : [Cast(weight.Type), weight, weight.Same(bias)],
            new Attributes()
                .Ints("kernel_shape", kernel, kernel)
                .Ints("strides", stride, stride)
                .Ints("pads", padding, padding, padding, padding)
                .Int("group", groups));

    private Value Unary(string operation) => graph.Node(operation, type, [this]);

    private Value Binary(string operation, Value right) => graph.Node(operation, type, [this, Same(right)]);

    private Value Same(Value other) => other.Type == type
        ? other
        : throw new InvalidOperationException($"{name} is {type} and {other.Name} is {other.Type}: one of them wants a Cast.");
}
