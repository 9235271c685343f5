using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>What is done to a picture.</summary>
internal enum PerturbationKind
{
    /// <summary>Compressed anew.</summary>
    Jpeg,

    /// <summary>Resized.</summary>
    Scale,

    /// <summary>Gaussian noise added to each channel of each pixel.</summary>
    Noise,

    /// <summary>Blurred by a Gaussian.</summary>
    Blur,
}

/// <summary>One thing done to a picture.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Value">Quality, factor, or sigma.</param>
internal sealed record PerturbationStep(PerturbationKind Kind, double Value)
{
    /// <returns>A picture of its own. Owned by the caller.</returns>
    public Mat Apply(Mat picture, int seed)
    {
        var result = new Mat();
        switch (Kind)
        {
            case PerturbationKind.Scale:
                var size = new Size(Math.Max(1, (int)Math.Round(picture.Width * Value)), Math.Max(1, (int)Math.Round(picture.Height * Value)));
                Cv2.Resize(picture, result, size, 0, 0, Value < 1 ? InterpolationFlags.Area : InterpolationFlags.Cubic);
                return result;
            case PerturbationKind.Noise:
                using (var noise = new Mat(picture.Size(), MatType.CV_16SC3))
                using (var wide = new Mat())
                {
                    // Of this thread alone.
                    Cv2.SetTheRNG((ulong)seed + 1);
                    Cv2.Randn(noise, Scalar.All(0), Scalar.All(Value));
                    picture.ConvertTo(wide, MatType.CV_16SC3);
                    Cv2.Add(wide, noise, wide);
                    wide.ConvertTo(result, MatType.CV_8UC3);
                }

                return result;
            case PerturbationKind.Blur:
                Cv2.GaussianBlur(picture, result, new Size(0, 0), Value);
                return result;
            default:
                throw new InvalidOperationException($"{Kind} is no change of pixels.");
        }
    }
}
