using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Quantization;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling.Quantization;

/// <summary>Weights in 8 bits: a scale for each output, and columns where the checkpoint has rows.</summary>
public sealed class QuantizedMatrixTests
{
    [Fact]
    public void Each_output_has_a_scale_of_its_own_and_becomes_a_column()
    {
        // Two outputs of three inputs.
        var (matrix, source) = Of(2, 3, 1.27f, -0.635f, 0.01f, 0, 100, -127);

        Assert.Equal([2L, 3L], new ComputedTensor("m", [2, 3], ElementType.Float32, [.. new float[6]]).Shape);
        Assert.Equal([3L, 2L], matrix.Shape);
        Assert.Equal(ElementType.Int8, matrix.Type);
        Assert.Equal([0.01f, 1f], matrix.Scales);
        Assert.Equal([127, 0, -64, 100, 1, -127], Bytes(matrix, source));
    }

    [Fact]
    public void Halves_go_to_the_even_number_and_nothing_goes_beyond_127()
    {
        Assert.Equal(
            [2, 2, 4, -2, 127, -127, 127],
            new[] { 1.5f, 2.5f, 3.5f, -2.5f, 127, -127.9f, 1e30f }.Select(static weight => (int)QuantizedMatrix.Quantize(weight, 1)));
    }

    /// <summary>A matrix and its negative must be computed alike: -128 has no counterpart.</summary>
    [Fact]
    public void The_negative_of_a_matrix_is_its_negative()
    {
        float[] values = [.. Enumerable.Range(0, 4 * 5).Select(static i => MathF.Sin(i * 7.3f))];
        var (one, source) = Of(4, 5, values);
        var (other, otherSource) = Of(4, 5, [.. values.Select(static value => -value)]);
        Assert.Equal(Bytes(one, source).Select(static value => -value), Bytes(other, otherSource));
    }

    [Fact]
    public void An_output_whose_weights_are_zero_stays_zero()
    {
        var (matrix, source) = Of(2, 2, 0, -0f, 1, 1);
        Assert.Equal([1f, 1f / 127], matrix.Scales);
        Assert.Equal([0, 127, 0, 127], Bytes(matrix, source));
    }

    [Fact]
    public void No_weight_is_off_by_more_than_half_a_step()
    {
        float[] values = [.. Enumerable.Range(0, 16 * 33).Select(static i => MathF.Sin(i * 1.7f) * (1 + i))];
        var (matrix, source) = Of(16, 33, values);
        var bytes = Bytes(matrix, source);
        for (int output = 0; output < 16; output++)
        {
            float scale = matrix.Scales[output];
            for (int input = 0; input < 33; input++)
            {
                Assert.InRange(bytes[(input * 16) + output] * scale - values[(output * 33) + input], -0.5001f * scale, 0.5001f * scale);
            }
        }
    }

    [Theory]
    [InlineData("backbone.transformer.resblocks.3.attn.query.weight", "backbone.transformer.resblocks.3.attn.query")]
    [InlineData("segmentor.pixel_decoder.encoder.layers.0.fc1.weight", "segmentor.pixel_decoder.encoder.layers.0.fc1")]
    [InlineData("segmentor.mask2former_decoder.decoder.layers.2.cross_attn.key.weight", "segmentor.mask2former_decoder.decoder.layers.2.cross_attn.key")]
    [InlineData("segmentor.mask2former_decoder.input_projections.1.weight", "segmentor.mask2former_decoder.input_projections.1")]
    [InlineData("segmentor.pixel_decoder.encoder.layers.0.cross_attn.out_proj.weight", null)]
    [InlineData("segmentor.mask2former_decoder.decoder.layers.2.cross_attn.query.weight", null)]
    [InlineData("segmentor.mask2former_decoder.decoder.layers.2.fc1.weight", null)]
    [InlineData("backbone.attn_pool.attn.value.weight", null)]
    [InlineData("classifier.patch_classifier.layers.0.weight", null)]
    [InlineData("classifier.fuser.fuse.weight", null)]
    [InlineData("segmentor.pixel_decoder.position", null)]
    public void Layers_over_tokens_and_cells_may_be_quantised_and_no_others(string weight, string? layer) => Assert.Equal(layer, QuantizableLayers.NameOf(weight));

    private static (QuantizedMatrix Matrix, MemoryWeights Source) Of(int outputs, int inputs, params float[] values)
    {
        var source = MemoryWeights.OfTiny("tiny-s").With("m", i => values[i], outputs, inputs);
        var ledger = new TensorLedger(source);
        var rows = new TensorRows("m", [outputs, inputs], ElementType.Float32, ledger.Require("m", outputs, inputs));
        return (QuantizedMatrix.Of(rows, ledger), source);
    }

    private static int[] Bytes(QuantizedMatrix matrix, MemoryWeights source)
    {
        var file = new WeightFile();
        file.Add(matrix);
        using var stream = new MemoryStream();
        file.Write(stream, source, null, TestContext.Current.CancellationToken);
        return [.. stream.ToArray().Select(static value => (int)(sbyte)value)];
    }
}
