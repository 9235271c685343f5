using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>The optimiser against PyTorch's, and what a session's state guarantees.</summary>
public sealed class AdaptationStateTests
{
    private const string ModelHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    [Theory]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void Six_steps_are_the_references(string name)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", name, "steps.safetensors"));
        var state = NewState(golden, name, out var layout);
        for (int step = 0; step < 6; step++)
        {
            float[] gradient = Flat(layout, tensor => golden.ReadFloats($"step.{step}.grad.{tensor}"));
            Assert.True(state.TryStep(gradient, 1e-3, out _));
            float[] theta = state.Theta.ToArray();
            foreach (var tensor in layout.Tensors)
            {
                float[] expected = golden.ReadFloats($"step.{step}.updated.{tensor.Name}");
                double distance = Math.Sqrt(expected.Zip(theta[tensor.Offset..(tensor.Offset + tensor.Length)], static (a, b) => (double)(a - b) * (a - b)).Sum());
                double norm = Math.Sqrt(expected.Sum(static value => (double)value * value));
                Assert.True(distance <= 2e-5 * norm, $"{tensor.Name} after step {step} is off by {distance / norm:e2}");
            }
        }

        Assert.Equal(6, state.Step);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_changes_nothing()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", "tiny-s", "steps.safetensors"));
        var state = NewState(golden, "tiny-s", out var layout);
        Assert.True(state.TryStep(Gradient(golden, layout), 1e-3, out _));
        byte[] hash = state.Hash.ToArray();
        foreach (float poison in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            float[] gradient = Gradient(golden, layout);
            gradient[^1] = poison;
            Assert.False(state.TryStep(gradient, 1e-3, out _));
            Assert.Equal(hash, state.Hash);
            Assert.Equal(1, state.Step);
        }
    }

    [Fact]
    public void Reset_returns_to_the_base_parameters_and_no_drift()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", "tiny-s", "steps.safetensors"));
        var state = NewState(golden, "tiny-s", out var layout);
        byte[] hash = state.Hash.ToArray();
        state.TryStep(Gradient(golden, layout), 1e-3, out _);
        Assert.False(state.Hash.SequenceEqual(hash));
        Assert.True(state.Drift > 0);
        state.Reset();
        Assert.Equal(hash, state.Hash);
        Assert.Equal(0, state.Drift);
        Assert.Equal(0, state.Step);
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", "tiny-s", "steps.safetensors"));
        var state = NewState(golden, "tiny-s", out var layout);
        float[] gradient = Gradient(golden, layout);
        state.TryStep(gradient, 1e-3, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        state.TryStep(gradient, 1e-3, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_snapshot_brings_the_whole_state_back_and_goes_on_bit_for_bit()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", "tiny-s", "steps.safetensors"));
        var state = NewState(golden, "tiny-s", out var layout);
        state.TryStep(Gradient(golden, layout), 1e-3, out _);
        byte[] snapshot = AdaptationSnapshot.Write(state, ModelHash);

        var other = NewState(golden, "tiny-s", out _);
        Assert.True(AdaptationSnapshot.TryRestore(snapshot, other, ModelHash, out _));
        Assert.Equal(state.Step, other.Step);
        Assert.Equal(state.Hash, other.Hash);

        state.TryStep(Gradient(golden, layout), 1e-3, out _);
        other.TryStep(Gradient(golden, layout), 1e-3, out _);
        Assert.Equal(state.Hash, other.Hash);
    }

    [Fact]
    public void A_snapshot_that_does_not_fit_is_refused_and_the_state_stays()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", "tiny-s", "steps.safetensors"));
        var state = NewState(golden, "tiny-s", out var layout);
        state.TryStep(Gradient(golden, layout), 1e-3, out _);
        byte[] good = AdaptationSnapshot.Write(state, ModelHash);
        state.TryStep(Gradient(golden, layout), 1e-3, out _);
        byte[] hash = state.Hash.ToArray();

        byte[] unknownVersion = [.. good];
        unknownVersion[8] = 9;
        Refuse(unknownVersion, ModelHash, "format version 9");
        Refuse(good, "ff" + ModelHash[2..], "ff112233");
        Refuse([], ModelHash, "not an adaptation snapshot");
        Refuse(good[..^1], ModelHash, "checksum");
        for (int i = 12; i < good.Length; i += good.Length / 50)
        {
            byte[] changed = [.. good];
            changed[i] ^= 0x10;
            Refuse(changed, ModelHash, "damaged");
        }

        void Refuse(byte[] snapshot, string modelHash, string because)
        {
            Assert.False(AdaptationSnapshot.TryRestore(snapshot, state, modelHash, out string? problem));
            Assert.Contains(because, problem, StringComparison.Ordinal);
            Assert.Equal(hash, state.Hash);
            Assert.Equal(2, state.Step);
        }
    }

    private static AdaptationState NewState(SafetensorsFile golden, string name, out ThetaLayout layout)
    {
        using var weights = SafetensorsFile.Open(TestData.Golden("tiny", name, "model.safetensors"));
        layout = new ThetaLayout([.. PackageTensors.Adapted.Select(tensor =>
            new AdaptedTensor(tensor, [.. golden.Tensors["step.0.grad." + tensor].Shape.Select(static side => (int)side)]))]);
        return new AdaptationState(layout, Flat(layout, tensor => weights.ReadFloats(weights.Tensors.Keys.Single(key => key.EndsWith(tensor, StringComparison.Ordinal)))));
    }

    private static float[] Gradient(SafetensorsFile golden, ThetaLayout layout) => Flat(layout, tensor => golden.ReadFloats("step.0.grad." + tensor));

    private static float[] Flat(ThetaLayout layout, Func<string, float[]> read) => [.. layout.Tensors.SelectMany(tensor => read(tensor.Name))];
}
