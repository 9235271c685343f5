using System.Numerics.Tensors;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// One step of AdamW as in PyTorch: decoupled weight decay, bias correction, the gradient first scaled to a norm of at most
/// <see cref="ClipNorm"/>. Works in place over flat buffers and allocates nothing.
/// </summary>
internal static class AdamW
{
    public const double Beta1 = 0.9;
    public const double Beta2 = 0.999;
    public const double Epsilon = 1e-8;

    /// <summary>As in the authors' adaptation.</summary>
    public const double WeightDecay = 1e-3;

    /// <summary>Largest norm of a gradient that is applied unscaled.</summary>
    public const double ClipNorm = 1.0;

    /// <summary>The L2 norm over all tensors, summed in double so that it does not depend on the vector width.</summary>
    public static double Norm(ReadOnlySpan<float> gradient)
    {
        double sum = 0;
        foreach (float value in gradient)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Applies <paramref name="gradient"/>, which is overwritten. All buffers have the layout's length.</summary>
    /// <param name="step">The number of this step, from 1.</param>
    /// <param name="norm"><see cref="Norm"/> of the gradient.</param>
    public static void Step(
        ThetaLayout layout, Span<float> theta, Span<float> gradient, Span<float> first, Span<float> second, long step, double learningRate, double norm)
    {
        double scale = Math.Min(1.0, ClipNorm / (norm + 1e-6));
        TensorPrimitives.Multiply(gradient, (float)scale, gradient);

        // By index: an enumerator over the interface would be allocated.
        for (int i = 0; i < layout.Tensors.Count; i++)
        {
            var tensor = layout.Tensors[i];
            if (tensor.Decays)
            {
                var slice = theta.Slice(tensor.Offset, tensor.Length);
                TensorPrimitives.Multiply(slice, (float)(1 - learningRate * WeightDecay), slice);
            }
        }

        // first += (gradient - first) * (1 - beta1), as lerp does.
        for (int i = 0; i < first.Length; i++)
        {
            first[i] += (gradient[i] - first[i]) * (float)(1 - Beta1);
        }

        TensorPrimitives.Multiply(second, (float)Beta2, second);
        TensorPrimitives.Multiply(gradient, gradient, gradient);
        TensorPrimitives.MultiplyAdd(gradient, (float)(1 - Beta2), second, second);

        double correction1 = 1 - Math.Pow(Beta1, step);
        double correction2 = 1 - Math.Pow(Beta2, step);

        // gradient now holds the denominator: sqrt(second) / sqrt(correction2) + epsilon.
        TensorPrimitives.Sqrt(second, gradient);
        TensorPrimitives.Divide(gradient, (float)Math.Sqrt(correction2), gradient);
        TensorPrimitives.Add(gradient, (float)Epsilon, gradient);
        TensorPrimitives.Divide(first, gradient, gradient);
        TensorPrimitives.MultiplyAdd(gradient, (float)(-learningRate / correction1), theta, theta);
    }
}
