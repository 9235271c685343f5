using System.Buffers.Binary;
using System.Security.Cryptography;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>Nothing makes a session's parameters infinite or not a number: no snapshot that is brought in, and no step.</summary>
public sealed class NotFiniteTests
{
    private const string ModelHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const int Header = 56;

    private static readonly ThetaLayout Layout = new([new AdaptedTensor("head.weight", [2, 3]), new AdaptedTensor("head.bias", [3])]);
    private static readonly float[] Base = [.. Enumerable.Range(1, 9).Select(static value => (float)value)];

    [Theory]
    [InlineData(long.MaxValue, "the snapshot's step 9223372036854775807 is outside the range 0 to 9007199254740992")]
    [InlineData((1L << 53) + 1, "the snapshot's step 9007199254740993 is outside the range 0 to 9007199254740992")]
    [InlineData(-1, "the snapshot's step -1 is outside the range 0 to 9007199254740992")]
    [InlineData(1L << 53, null)]
    [InlineData(0, null)]
    public void A_snapshot_of_a_step_that_nobody_takes_is_refused(long step, string? problem) =>
        Check(snapshot => BinaryPrimitives.WriteInt64LittleEndian(snapshot.AsSpan(44), step), problem);

    // Theta, first and second moments, of six weights and three biases each.
    [Theory]
    [InlineData(0, float.NaN, "the snapshot's parameters of head.weight hold values that are not finite")]
    [InlineData(8, float.PositiveInfinity, "the snapshot's parameters of head.bias hold values that are not finite")]
    [InlineData(9, float.NegativeInfinity, "the snapshot's first moments of head.weight hold values that are not finite")]
    [InlineData(26, float.NaN, "the snapshot's second moments of head.bias hold values that are not finite")]
    [InlineData(18, -1e-30f, "the snapshot's second moments of head.weight hold negative values")]
    [InlineData(26, -5f, "the snapshot's second moments of head.bias hold negative values")]
    [InlineData(9, -5f, null)]
    [InlineData(0, -5f, null)]
    [InlineData(18, 1e30f, null)]
    [InlineData(18, -0f, null)]
    public void A_snapshot_with_a_value_that_no_optimiser_leaves_is_refused(int index, float value, string? problem) =>
        Check(snapshot => BinaryPrimitives.WriteSingleLittleEndian(snapshot.AsSpan(Header + (index * sizeof(float))), value), problem);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_that_leaves_a_parameter_that_is_not_a_number_is_taken_back(bool guarded)
    {
        var session = NewSession(guarded, maxDrift: float.PositiveInfinity);

        // As no snapshot can bring them in any more: the root of a negative moment is not a number.
        float[] values = [.. Base, .. new float[9], .. Enumerable.Repeat(-1f, 9)];
        session.State.Restore(values, step: 3);
        byte[] hash = session.State.Hash.ToArray();

        var guard = session.Step(session.Settings, score: 0.9f, loss: 1, Gradient());

        Assert.Equal(hash, session.State.Hash);
        Assert.Equal((3, 0f), (session.State.Step, session.State.Drift));
        Assert.All(session.State.Theta.ToArray(), static value => Assert.True(float.IsFinite(value)));
        Assert.Equal(guarded, session.Frozen);
        Assert.Equal(guarded ? GuardReason.NotFinite : null, guard?.Reason);
    }

    [Fact]
    public void A_drift_that_is_not_a_number_is_out_of_every_bound()
    {
        // From nothing, anything is infinitely far.
        var session = new AdaptationSession(Layout, new float[9], ModelHash, new AdaptationSettings { Guard = new GuardSettings { MaxDrift = float.MaxValue } });
        Assert.Equal(0, session.State.Drift);

        var guard = session.Step(session.Settings, score: 0.9f, loss: 1, Gradient());

        Assert.Equal(GuardReason.Drift, guard?.Reason);
        Assert.Equal((0, 0f), (session.State.Step, session.State.Drift));
        Assert.True(session.Frozen);
    }

    [Fact]
    public void A_disagreement_that_is_not_a_number_is_out_of_every_bound()
    {
        var session = NewSession(guarded: true, maxDrift: 1);

        Assert.Equal(GuardReason.Disagreement, session.Compare(session.Settings, float.NaN)?.Reason);
    }

    private static void Check(Action<byte[]> change, string? problem)
    {
        var session = NewSession(guarded: true, maxDrift: 1);
        byte[] hash = session.State.Hash.ToArray();
        byte[] snapshot = session.Snapshot();
        change(snapshot);
        SHA256.HashData(snapshot.AsSpan()[..^SHA256.HashSizeInBytes], snapshot.AsSpan()[^SHA256.HashSizeInBytes..]);

        Assert.Equal(problem is null, session.TryRestore(snapshot, out string? actual));
        Assert.Equal(problem, actual);
        if (problem is not null)
        {
            Assert.Equal(hash, session.State.Hash);
            Assert.Equal(0, session.State.Step);
            return;
        }

        // What was let in can be stepped from.
        session.Step(session.Settings, score: 0.9f, loss: 1, Gradient());
        Assert.All(session.State.Theta.ToArray(), static value => Assert.True(float.IsFinite(value)));
    }

    private static AdaptationSession NewSession(bool guarded, float maxDrift) =>
        new(Layout, Base, ModelHash, new AdaptationSettings { Guard = guarded ? new GuardSettings { MaxDrift = maxDrift } : null });

    private static float[] Gradient() => [.. Base.Select(static value => value / 100)];
}
