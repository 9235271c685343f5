using System.Globalization;
using LoupeGrpc.Client.Cli.Artifacts;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>What pictures go through between a camera and us, done to them on purpose: steps, one after the other.</summary>
/// <param name="Text">As it was asked for: `scale:0.7+jpeg:75`.</param>
/// <param name="Steps">At least one.</param>
internal sealed record Perturbation(string Text, IReadOnlyList<PerturbationStep> Steps)
{
    public const string Forms = "jpeg:QUALITY (1 to 100), scale:FACTOR (0.05 to 4), noise:SIGMA (of 255, up to 128) or blur:SIGMA (pixels, up to 50), or several of them with + between";

    private const int FastPng = 1;

    /// <summary>Whether pictures get another size, to which the truth must follow.</summary>
    public bool Scales => Steps.Any(static step => step.Kind == PerturbationKind.Scale);

    /// <returns>Null where it is none of <see cref="Forms"/>.</returns>
    public static Perturbation? Parse(string text)
    {
        var steps = text.Split('+').Select(ParseStep).ToList();
        return steps.All(static step => step is not null) ? new Perturbation(text, [.. steps.OfType<PerturbationStep>()]) : null;
    }

    /// <param name="file">A picture as it is on disk.</param>
    /// <param name="seed">Of the noise: the same seed, the same noise.</param>
    /// <returns>A JPEG where the last step is one, else a PNG; null where this program cannot decode the picture.</returns>
    public byte[]? Apply(byte[] file, int seed)
    {
        var picture = DecoderLines.Without(() => Decode(PictureOrientation.Cleared(file)));
        if (picture is null)
        {
            return null;
        }

        byte[]? compressed = null;
        try
        {
            foreach (var step in Steps)
            {
                compressed = step.Kind == PerturbationKind.Jpeg ? picture.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, (int)step.Value)) : null;
                var next = compressed is null ? step.Apply(picture, seed) : Decode(compressed)!;
                picture.Dispose();
                picture = next;
            }

            return compressed ?? picture.ImEncode(".png", new ImageEncodingParam(ImwriteFlags.PngCompression, FastPng));
        }
        finally
        {
            picture.Dispose();
        }
    }

    private static Mat? Decode(byte[] file)
    {
        Mat? picture = null;
        try
        {
            picture = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
            if (!picture.Empty())
            {
                return picture;
            }
        }
        catch (OpenCVException)
        {
            // Told by the null.
        }

        picture?.Dispose();
        return null;
    }

    private static PerturbationStep? ParseStep(string text)
    {
        if (text.Split(':') is not [var name, var number]
            || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            return null;
        }

        return (name, value) switch
        {
            ("jpeg", >= 1 and <= 100) when value == Math.Floor(value) => new PerturbationStep(PerturbationKind.Jpeg, value),
            ("scale", >= 0.05 and <= 4) => new PerturbationStep(PerturbationKind.Scale, value),
            ("noise", > 0 and <= 128) => new PerturbationStep(PerturbationKind.Noise, value),
            ("blur", > 0 and <= 50) => new PerturbationStep(PerturbationKind.Blur, value),
            _ => null,
        };
    }
}
