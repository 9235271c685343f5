using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.TestSupport;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Execution;

public sealed class RunSlotTests
{
    private const double Tolerance = 1e-5;

    [Fact]
    public void Pictures_of_a_batch_are_answered_as_each_alone()
    {
        using var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using var single = RunSlot.Allocate(model, rows: 1);
        using var batch = RunSlot.Allocate(model, rows: 4);
        using var pixels = model.CreatePixels();
        for (int row = 0; row < 3; row++)
        {
            Fill(pixels, row);
            batch.Load(row, pixels);
        }

        batch.Encode(4);

        // Two of the three, at the end of the batch: what lies before them is not touched.
        Segment(model, batch, new RowRange(1, 2));
        Assert.All(batch.MaskLogits.Row(0).ToArray(), static value => Assert.Equal(0, value));
        for (int row = 1; row < 3; row++)
        {
            Fill(pixels, row);
            single.Encode(pixels);
            Segment(model, single, new RowRange(0, 1));

            Assert.True(SelfCheck.Distance(single.ClsLogits.Values, batch.ClsLogits.Row(row)) < Tolerance);
            Assert.True(SelfCheck.Distance(single.PatchLogits.Values, batch.PatchLogits.Row(row)) < Tolerance);
            Assert.True(SelfCheck.Distance(single.MaskLogits.Values, batch.MaskLogits.Row(row)) < Tolerance);
            Assert.True(SelfCheck.Distance(single.ClassLogits.Values, batch.ClassLogits.Row(row)) < Tolerance);
        }

        Assert.True(SelfCheck.Distance(batch.MaskLogits.Row(1), batch.MaskLogits.Row(2)) > 1e-2);
    }

    [Fact]
    public void A_row_adapts_from_what_the_run_of_its_batch_left_there()
    {
        using var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using var single = RunSlot.Allocate(model, rows: 1);
        using var batch = RunSlot.Allocate(model, rows: 2);
        using var pixels = model.CreatePixels();
        for (int row = 0; row < 2; row++)
        {
            Fill(pixels, row);
            batch.Load(row, pixels);
        }

        batch.Encode(2);
        batch.PseudoLabels.Values.Fill(0.9f);
        batch.Adaptation.Segment(new RowRange(0, 2));
        for (int row = 0; row < 2; row++)
        {
            Fill(pixels, row);
            single.Encode(pixels);
            single.PseudoLabels.Values[0] = 0.9f;
            single.Adaptation.Segment(new RowRange(0, 1));
            single.Adaptation.Differentiate(0);
            batch.Adaptation.Differentiate(row);

            Assert.Equal(single.Adaptation.Loss(0), batch.Adaptation.Loss(row), single.Adaptation.Loss(0) * Tolerance);
            Assert.True(SelfCheck.Distance(single.Adaptation.Gradients(0), batch.Adaptation.Gradients(row)) < Tolerance);
        }

        Assert.NotEqual(batch.Adaptation.Loss(0), batch.Adaptation.Loss(1));
    }

    [Fact]
    public void Terminating_ends_every_run_to_come_and_is_harmless_after_disposal()
    {
        var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using (var slot = RunSlot.Allocate(model, rows: 1))
        using (var pixels = model.CreatePixels())
        {
            model.Terminate();
            Assert.Throws<OnnxRuntimeException>(() => slot.Encode(pixels));
            Assert.Throws<OnnxRuntimeException>(() => slot.Segment(new RowRange(0, 1)));
        }

        model.Dispose();
        model.Terminate();
    }

    [Fact]
    public void A_pool_gives_smaller_slots_once_it_was_told_to()
    {
        using var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 1);
        using var pool = RunSlotPool.Allocate(model, count: 2, rows: 4);
        var used = pool.TryReserve()!;
        Assert.Equal(4, pool.Open(used).Rows);

        pool.Shrink(2);
        pool.Return(used);

        for (int i = 0; i < pool.Count; i++)
        {
            Assert.Equal(2, pool.Open(pool.TryReserve()!).Rows);
        }

        Assert.Null(pool.TryReserve());
    }

    private static void Segment(LoupeModel model, RunSlot slot, RowRange rows)
    {
        for (int row = rows.First; row < rows.End; row++)
        {
            slot.PseudoLabels.Values[row] = Scores.OfLogit(slot.ClsLogits.Values[row]);
            slot.SetParameters(row, model.BaseParameters);
        }

        slot.Segment(rows);
    }

    /// <summary>A picture for each number.</summary>
    private static void Fill(TensorBuffer pixels, int number)
    {
        SelfCheckInput.Fill(pixels.Values, (int)pixels.Shape[2]);
        if (number % 2 == 1)
        {
            pixels.Values.Reverse();
        }

        foreach (ref float value in pixels.Values)
        {
            value *= 1 - (0.25f * number);
        }
    }
}
