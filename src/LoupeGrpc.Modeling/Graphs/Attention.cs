using LoupeGrpc.Modeling.Onnx;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>Multi-head attention in the forms that the model has.</summary>
internal static class Attention
{
    /// <summary>
    /// softmax(q·kᵀ + bias)·v for every head; heads are contiguous slices of the width. The scale 1/√d is already in q:
    /// it is folded into the query projection (see <see cref="QueryProjection"/>), which also keeps the products within half precision. The softmax is fp32.
    /// </summary>
    /// <param name="queries">Queries [B·q,width].</param>
    /// <param name="keys">Keys [B·k,width].</param>
    /// <param name="values">Values [B·k,width].</param>
    /// <param name="bias">Added to the products before the softmax, fp32, e.g. [B,1,q,k]; null for none.</param>
    public static Value Attend(Value queries, Value keys, Value values, int width, int heads, int queryCount, int keyCount, Value? bias = null) =>
        Attend(
            Heads(queries, width, heads, queryCount),
            Heads(keys, width, heads, keyCount),
            Heads(values, width, heads, keyCount),
            width,
            bias);

    /// <summary>The same for queries, keys and values [B,heads,count,d].</summary>
    public static Value Attend(Value queries, Value keys, Value values, int width, Value? bias = null)
    {
        var scores = queries.MatMul(keys.Transpose(0, 1, 3, 2)).ToSingle();
        if (bias is not null)
        {
            scores += bias;
        }

        return scores.Softmax().Cast(values.Type).MatMul(values).Transpose(0, 2, 1, 3).Rows(width);
    }

    /// <summary>From rows to [B,heads,count,d].</summary>
    public static Value Heads(Value rows, int width, int heads, int count) =>
        rows.Reshape(-1, count, heads, width / heads).Transpose(0, 2, 1, 3);

    /// <summary>A query projection with 1/√d folded in.</summary>
    /// <param name="source">Which row of the checkpoint's weight and bias makes an output; null for the same.</param>
    public static Value QueryProjection(Value rows, string initializer, PackedLinear packed, int heads, Func<int, int>? source = null) =>
        packed.Project(rows, initializer, source, 1 / MathF.Sqrt(packed.Width / heads));

    /// <summary>
    /// Attention of one query a picture over many rows, without projecting the rows: q·(Wk·x + bk) is (Wkᵀ·q)·x and a constant that the softmax
    /// takes away, and Σ aᵢ(Wv·xᵢ + bv) is Wv·(Σ aᵢxᵢ) + bv. The same numbers for a fraction of the products.
    /// </summary>
    /// <remarks>
    /// Everything up to the mean of the rows is fp32: sums over all of them, and a query's own products, which runtimes fold into a constant
    /// where all pictures share the query. ONNX Runtime has no kernel to fold halves with, and says so each time it loads a model.
    /// The mean is rowsᵀ·weightsᵀ and not weights·rows: that would be few rows by few columns over a long sum, which ONNX Runtime's product on the CPU cuts up by
    /// columns for its threads and sums in pieces that depend on how many columns a thread has, so that the bits would depend on the number of threads.
    /// </remarks>
    /// <param name="query">[B,width], or [1,width] where all pictures share it.</param>
    /// <param name="rows">[B,count,width], fp32: keys and values before their projections.</param>
    /// <param name="name">The attention's tensors: <c>in_proj_*</c> and <c>out_proj</c>.</param>
    /// <returns>[B,width].</returns>
    public static Value AttendOne(Value query, Value rows, string name, int width, int heads)
    {
        var packed = new PackedLinear(query.Graph, name, width);
        int depth = width / heads;
        var q = QueryProjection(query, name + ".query", packed.Part(0).InSingle(), heads).Reshape(-1, heads, 1, depth);
        var keyQuery = q.MatMul(packed.Part(1).InSingle().Weight(name + ".key", [heads, depth, width])).Reshape(-1, heads, width);
        var columns = rows.Transpose(0, 2, 1);
        var weights = keyQuery.MatMul(columns).Softmax();
        var mean = columns.MatMul(weights.Transpose(0, 2, 1)).Transpose(0, 2, 1).Reshape(-1, heads, width, 1).ToCompute();
        var value = packed.Part(2).Weight(name + ".value", [heads, depth, width]).MatMul(mean).Rows(width) + packed.Part(2).Bias(name + ".value");
        return value.Linear(name + ".out_proj", width, width);
    }
}
