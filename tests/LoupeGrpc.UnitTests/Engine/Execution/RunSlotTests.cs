using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.TestSupport;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Execution;

public sealed class RunSlotTests
{
    [Fact]
    public void Pictures_of_a_batch_are_answered_as_each_alone()
    {
        using var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using var single = new RunSlot(model, batch: 1);
        using var pair = new RunSlot(model, batch: 2);
        int pixels = single.PixelValues.Values.Length;
        SelfCheckInput.Fill(pair.PixelValues.Values, model.Manifest.ImageSize);
        pair.PixelValues.Values[..pixels].CopyTo(pair.PixelValues.Values[pixels..]);
        pair.PixelValues.Values[pixels..].Reverse();
        Run(model, pair);

        for (int i = 0; i < pair.Batch; i++)
        {
            pair.PixelValues.Values.Slice(i * pixels, pixels).CopyTo(single.PixelValues.Values);
            Run(model, single);

            Assert.True(SelfCheck.Distance(single.ClsLogits.Values, Part(pair.ClsLogits, i)) < 1e-5);
            Assert.True(SelfCheck.Distance(single.PatchLogits.Values, Part(pair.PatchLogits, i)) < 1e-5);
            Assert.True(SelfCheck.Distance(single.MaskLogits.Values, Part(pair.MaskLogits, i)) < 1e-5);
            Assert.True(SelfCheck.Distance(single.ClassLogits.Values, Part(pair.ClassLogits, i)) < 1e-5);
        }

        Assert.True(SelfCheck.Distance(Part(pair.MaskLogits, 0), Part(pair.MaskLogits, 1)) > 1e-2);
    }

    [Fact]
    public void Terminating_ends_every_run_to_come_and_is_harmless_after_disposal()
    {
        var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using (var slot = new RunSlot(model, batch: 1))
        {
            model.Terminate();
            Assert.Throws<OnnxRuntimeException>(slot.Encode);
            Assert.Throws<OnnxRuntimeException>(slot.Segment);
        }

        model.Dispose();
        model.Terminate();
    }

    private static void Run(LoupeModel model, RunSlot slot)
    {
        slot.Encode();
        for (int i = 0; i < slot.Batch; i++)
        {
            slot.PseudoLabels.Values[i] = Scores.OfLogit(slot.ClsLogits.Values[i]);
            slot.SetParameters(i, model.BaseParameters);
        }

        slot.Segment();
    }

    private static ReadOnlySpan<float> Part(TensorBuffer buffer, int index)
    {
        int length = buffer.Values.Length / (int)buffer.Shape[0];
        return buffer.Values.Slice(index * length, length);
    }
}
