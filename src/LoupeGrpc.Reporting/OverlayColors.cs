using OpenCvSharp;

namespace LoupeGrpc.Reporting;

/// <summary>Colours that can be told from the picture they are painted on: red where it shows, else the one that differs most.</summary>
/// <param name="Tint">Of the mask, BGR.</param>
/// <param name="Line">Of the outline: bright on dark pictures, dark on bright ones.</param>
/// <param name="Edge">Of the outline's edge: the opposite.</param>
internal readonly record struct OverlayColors(Scalar Tint, Scalar Line, Scalar Edge)
{
    /// <summary>Sides in which colours are looked at: more pixels say the same.</summary>
    private const int SampleSide = 256;

    /// <summary>Distance in Lab at which a tint of a third of its strength is still seen at once.</summary>
    private const double Enough = 60;

    /// <summary>Share of the pixels that may be closer to the colour than said: grain and small details.</summary>
    private const double Ignored = 0.1;

    /// <summary>Luminance, 0 to 255, from which a dark line is seen better.</summary>
    private const double Bright = 150;

    public static Scalar White { get; } = new(255, 255, 255);

    public static Scalar Dark { get; } = new(24, 24, 24);

    public static Scalar Red { get; } = new(70, 40, 255);

    /// <summary>Red first, then colours far from it and from each other.</summary>
    private static readonly Scalar[] Candidates =
        [Red, new(255, 230, 0), new(40, 255, 60), new(255, 0, 230), new(0, 235, 255), new(255, 60, 30)];

    /// <param name="picture">BGR, 8 bits.</param>
    /// <param name="mask">Of its size, not 0 where it is to be painted.</param>
    public static OverlayColors For(Mat picture, Mat mask)
    {
        var scale = Math.Min(1.0, (double)SampleSide / Math.Max(picture.Width, picture.Height));
        using var small = new Mat();
        using var region = new Mat();
        Cv2.Resize(picture, small, new Size(), scale, scale, InterpolationFlags.Area);
        Cv2.Resize(mask, region, small.Size(), 0, 0, InterpolationFlags.Nearest);
        using var brush = Cv2.GetStructuringElement(MorphShapes.Ellipse, new Size(15, 15));
        Cv2.Dilate(region, region, brush);
        if (Cv2.CountNonZero(region) == 0)
        {
            return new OverlayColors(Red, White, Dark);
        }

        using var gray = new Mat();
        Cv2.CvtColor(small, gray, ColorConversionCodes.BGR2GRAY);
        var isBright = Cv2.Mean(gray, region).Val0 >= Bright;
        var distances = Array.ConvertAll(Candidates, color => Distance(small, region, color));
        var best = distances[0] >= Enough ? 0 : Array.IndexOf(distances, distances.Max());
        return new OverlayColors(Candidates[best], isBright ? Dark : White, isBright ? White : Dark);
    }

    /// <summary>How far a colour is from nearly all of the pixels, in Lab.</summary>
    private static double Distance(Mat picture, Mat region, Scalar color)
    {
        using var lab = new Mat();
        using var scaled = new Mat();
        using var one = new Mat(1, 1, MatType.CV_32FC3, new Scalar(color.Val0 / 255, color.Val1 / 255, color.Val2 / 255));
        picture.ConvertTo(scaled, MatType.CV_32FC3, 1 / 255.0);
        Cv2.CvtColor(scaled, lab, ColorConversionCodes.BGR2Lab);
        Cv2.CvtColor(one, one, ColorConversionCodes.BGR2Lab);
        var wanted = one.At<Vec3f>(0, 0);
        var found = new List<double>();
        var (rows, columns) = (lab.Height, lab.Width);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                if (region.At<byte>(row, column) != 0)
                {
                    var pixel = lab.At<Vec3f>(row, column);
                    var (l, a, b) = (pixel.Item0 - wanted.Item0, pixel.Item1 - wanted.Item1, pixel.Item2 - wanted.Item2);
                    found.Add(Math.Sqrt((l * l) + (a * a) + (b * b)));
                }
            }
        }

        found.Sort();
        return found[(int)(found.Count * Ignored)];
    }
}
