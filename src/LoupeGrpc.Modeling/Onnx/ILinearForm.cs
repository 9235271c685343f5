namespace LoupeGrpc.Modeling.Onnx;

/// <summary>Another way to compute linear layers than as they stand in the checkpoint. One for each graph.</summary>
internal interface ILinearForm
{
    /// <summary>x·Wᵀ + b in this form; null for a layer that stays as it is.</summary>
    /// <param name="rows">Rows [n,in], fp32.</param>
    /// <param name="weight">[out,in], whose name is the layer's and <c>.weight</c>.</param>
    /// <param name="bias">[out], or none.</param>
    /// <param name="plain">The layer as it is.</param>
    Value? Apply(Value rows, Value weight, Value? bias, Func<Value> plain);
}
