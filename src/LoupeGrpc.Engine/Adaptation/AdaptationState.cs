using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// The adapted parameters of one session with the optimiser's moments, in one flat buffer. One user at a time: frames of a session
/// reach it in their order.
/// </summary>
internal sealed class AdaptationState
{
    /// <summary>More steps than any session takes; the numbers up to it are exact as double and in JSON.</summary>
    public const long MaxStep = 1L << 53;

    private readonly ThetaLayout _layout;
    private readonly ReadOnlyMemory<float> _base;
    private readonly double _baseNorm;

    // theta, first moments, second moments.
    private readonly float[] _values;
    private readonly byte[] _hash = new byte[SHA256.HashSizeInBytes];

    /// <summary>Starts at the base parameters, step 0.</summary>
    /// <param name="baseTheta">The package's values; shared by all sessions and never written.</param>
    public AdaptationState(ThetaLayout layout, ReadOnlyMemory<float> baseTheta)
    {
        ArgumentNullException.ThrowIfNull(layout);
        if (baseTheta.Length != layout.Length)
        {
            throw new ArgumentException($"{baseTheta.Length} base values for a layout of {layout.Length}.", nameof(baseTheta));
        }

        _layout = layout;
        _base = baseTheta;
        _baseNorm = AdamW.Norm(baseTheta.Span);
        _values = new float[3 * layout.Length];
        Reset();
    }

    /// <summary>Optimiser steps since the base parameters.</summary>
    public long Step { get; private set; }

    /// <summary>Adapted parameters, laid out by <see cref="ThetaLayout"/>.</summary>
    public ReadOnlyMemory<float> Theta => _values.AsMemory(0, _layout.Length);

    /// <summary>SHA-256 of <see cref="Theta"/> as little-endian fp32, 32 bytes. Valid until the state changes.</summary>
    public ReadOnlySpan<byte> Hash => _hash;

    /// <summary>||theta − theta0|| / ||theta0||; 0 where they are the same.</summary>
    public float Drift { get; private set; }

    /// <summary>No parameter is infinite or not a number, nor so large that its square is.</summary>
    public bool IsFinite { get; private set; }

    /// <summary>Which parameter is where.</summary>
    public ThetaLayout Layout => _layout;

    /// <summary>Bytes that the state holds.</summary>
    public long SizeInBytes => (long)_values.Length * sizeof(float);

    /// <summary>The whole state: theta, first and second moments.</summary>
    internal ReadOnlySpan<float> Values => _values;

    private Span<float> ThetaSpan => _values.AsSpan(0, _layout.Length);

    private Span<float> First => _values.AsSpan(_layout.Length, _layout.Length);

    private Span<float> Second => _values.AsSpan(2 * _layout.Length, _layout.Length);

    /// <summary>
    /// Takes one optimiser step. A gradient that is not finite changes nothing.
    /// </summary>
    /// <param name="gradient">In the layout's order; overwritten.</param>
    /// <param name="learningRate">Above 0, at most 0.1.</param>
    /// <param name="norm">The gradient's norm before clipping; not finite where the step was refused.</param>
    /// <returns>Whether the step was taken.</returns>
    internal bool TryStep(Span<float> gradient, double learningRate, out double norm)
    {
        norm = AdamW.Norm(gradient);
        if (!double.IsFinite(norm))
        {
            return false;
        }

        AdamW.Step(_layout, ThetaSpan, gradient, First, Second, Step + 1, learningRate, norm);
        Step++;
        Describe();
        return true;
    }

    /// <summary>Back to the base parameters, step 0.</summary>
    public void Reset()
    {
        _values.AsSpan().Clear();
        _base.Span.CopyTo(ThetaSpan);
        Step = 0;
        Describe();
    }

    /// <summary>Takes over another state's values, all of them.</summary>
    internal void Restore(ReadOnlySpan<float> values, long step)
    {
        values.CopyTo(_values);
        Step = step;
        Describe();
    }

    private void Describe()
    {
        SHA256.HashData(MemoryMarshal.AsBytes(ThetaSpan), _hash);
        float distance = TensorPrimitives.Distance<float>(ThetaSpan, _base.Span);
        IsFinite = float.IsFinite(distance);
        Drift = distance == 0 ? 0 : (float)(distance / _baseNorm);
    }
}
