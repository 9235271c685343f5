using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Shapes of the graphs' inputs and outputs for a batch, as <see cref="PackageTensors"/> describes them.</summary>
internal readonly struct TensorShapes(ModelManifest manifest, long batch)
{
    public long[] PixelValues => [batch, 3, manifest.ImageSize, manifest.ImageSize];

    public long[] Features => [batch, ((long)manifest.Grid * manifest.Grid) + (manifest.ClassToken ? 1 : 0), manifest.Width];

    public long[] ClsLogit => [batch, 1];

    public long[] PatchLogits => [batch, (long)manifest.Grid * manifest.Grid];

    public long[] PseudoLabel => [batch];

    public long[] MaskLogits => [batch, manifest.Queries, manifest.MaskGrid, manifest.MaskGrid];

    public long[] ClassLogits => [batch, manifest.Queries, 2];

    public long[] HiddenStates => [batch, manifest.DecoderPredictions, manifest.Queries, manifest.Hidden];

    public long[] MaskFeatures => [batch, manifest.MaskFeatures, manifest.MaskGrid, manifest.MaskGrid];

    public long[] Loss => [batch];

    public long[] Gradients => [batch, manifest.AdaptedTensors.Sum(AdaptedParameters.LengthOf)];

    public long[] Adapted(AdaptedTensor tensor)
    {
        var shape = new long[tensor.Shape.Count + 1];
        shape[0] = batch;
        for (int i = 0; i < tensor.Shape.Count; i++)
        {
            shape[i + 1] = tensor.Shape[i];
        }

        return shape;
    }
}
