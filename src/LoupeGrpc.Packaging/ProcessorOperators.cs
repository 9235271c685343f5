namespace LoupeGrpc.Packaging;

/// <summary>Operators that <c>libloupe_native</c> gives to ONNX Runtime on the CPU, for graphs that a package brings beside those of standard operators.</summary>
public static class ProcessorOperators
{
    public const string Domain = "loupe.cpu";

    /// <summary>Raised by every change that a graph could notice. A build runs graphs of its own version, and the standard ones of packages with another.</summary>
    public const int Version = 1;

    /// <summary>
    /// Deformable attention between its projections, fp32. Inputs: values [B·L,D], logits [B·L,columns], offsets [B·L,2·columns] in cells, x of every column and then
    /// y, where a column is one (head, level, point). Output: [B·L,D]. Attributes: <c>heads</c>, and <c>sides</c> of the three maps, coarse to fine.
    /// </summary>
    public const string DeformableSample = "DeformableSample";
}
