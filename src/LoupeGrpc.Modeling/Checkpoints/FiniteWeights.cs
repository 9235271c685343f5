using System.Buffers;
using System.Numerics.Tensors;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Checks weights for values that no calculation survives, in slices.</summary>
internal static class FiniteWeights
{
    /// <summary>Elements in memory at a time.</summary>
    private const int SliceLength = 1 << 20;

    private const int MaxShown = 5;

    /// <exception cref="CheckpointException">Names the tensors that hold a NaN or an infinity, each with its file and the place of the first one.</exception>
    /// <exception cref="OperationCanceledException"/>
    internal static void Validate(ITensorSource source, IReadOnlySet<string> names, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<float>.Shared.Rent(SliceLength);
        try
        {
            var errors = new List<string>();
            foreach (var tensor in source.Tensors.Where(tensor => names.Contains(tensor.Name)))
            {
                if (FirstNotFinite(source, tensor, buffer.AsSpan(0, SliceLength), cancellationToken) is { } found)
                {
                    errors.Add($"{tensor.Name} in {tensor.Source} is {Named(found.Value)} at [{string.Join(", ", IndexOf(tensor, found.Place))}]");
                }
            }

            if (errors.Count > 0)
            {
                var more = errors.Count - MaxShown;
                throw new CheckpointException(
                    "The weights hold values that are not finite numbers, as a training run leaves that diverged:",
                    more > 0 ? [.. errors.Take(MaxShown), $"and {more} more tensors"] : errors);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private static (long Place, float Value)? FirstNotFinite(ITensorSource source, TensorInfo tensor, Span<float> buffer, CancellationToken cancellationToken)
    {
        for (var start = 0L; start < tensor.Length; start += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var slice = buffer[..(int)Math.Min(buffer.Length, tensor.Length - start)];
            source.ReadFloats(tensor, start, slice);

            // NaN where there is one, infinite where that is the largest: one pass that the processor does in vectors.
            if (float.IsFinite(TensorPrimitives.MaxMagnitude<float>(slice)))
            {
                continue;
            }

            for (var i = 0; i < slice.Length; i++)
            {
                if (!float.IsFinite(slice[i]))
                {
                    return (start + i, slice[i]);
                }
            }
        }

        return null;
    }

    private static string Named(float value) => float.IsNaN(value) ? "NaN" : value > 0 ? "infinite" : "minus infinite";

    /// <summary>One number a dimension, outermost first.</summary>
    private static long[] IndexOf(TensorInfo tensor, long place)
    {
        var index = new long[tensor.Shape.Count];
        for (var i = index.Length - 1; i >= 0; i--)
        {
            (place, index[i]) = Math.DivRem(place, tensor.Shape[i]);
        }

        return index;
    }
}
