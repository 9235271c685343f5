using System.Globalization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Frames without a container, one behind the other: all of one size and layout, without padding.</summary>
/// <param name="Format">As it is sent.</param>
/// <param name="Bytes">Of a frame.</param>
/// <param name="FramesPerSecond">Null: they have the time of their arrival.</param>
internal sealed record RawLayout(FrameFormat Format, int Bytes, double? FramesPerSecond)
{
    public const string Forms = "FORMAT:WxH or FORMAT:WxH@FPS, e.g. bgr24:1920x1080@25, with bgr24, rgb24, bgra32, gray8, nv12, i420 or yuyv";

    /// <param name="text">As on the command line.</param>
    /// <returns>Null when it says nothing that can be read.</returns>
    public static RawLayout? Parse(string text)
    {
        if (text.Split('@') is not [var shape, .. var rest] || rest.Length > 1
            || shape.Split(':') is not [var name, var size]
            || size.Split('x') is not [var w, var h]
            || !TryNumber(w, out var width) || !TryNumber(h, out var height))
        {
            return null;
        }

        double? fps = null;
        if (rest is [var rate])
        {
            if (!double.TryParse(rate, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var given) || given is not (> 0 and <= 1000))
            {
                return null;
            }

            fps = given;
        }

        // Eighths of bytes a pixel, and whether width and height must be even.
        (PixelFormat Format, long Bits, bool EvenWidth, bool EvenHeight) layout = name switch
        {
            "bgr24" => (PixelFormat.Bgr24, 24, false, false),
            "rgb24" => (PixelFormat.Rgb24, 24, false, false),
            "bgra32" => (PixelFormat.Bgra32, 32, false, false),
            "gray8" => (PixelFormat.Gray8, 8, false, false),
            "nv12" => (PixelFormat.Nv12, 12, true, true),
            "i420" => (PixelFormat.I420, 12, true, true),
            "yuyv" => (PixelFormat.Yuyv, 16, true, false),
            _ => default,
        };
        var bytes = layout.Bits * width * height / 8;
        return layout.Bits == 0 || bytes > Array.MaxLength || (layout.EvenWidth && width % 2 != 0) || (layout.EvenHeight && height % 2 != 0)
            ? null
            : new RawLayout(new FrameFormat { PixelFormat = layout.Format, Width = (uint)width, Height = (uint)height }, (int)bytes, fps);
    }

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and <= 65_535;
}
