namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// A picture in 192 bytes: the mean red, green and blue of each of 8 x 8 fields, row by row. Sums in a fixed order: the same bytes for the same pixels, whatever the
/// processor. Two pictures of one scene have nearly the same.
/// </summary>
internal static class ColorLayout
{
    /// <summary>Fields along a side.</summary>
    public const int Side = 8;

    /// <summary>Bytes.</summary>
    public const int Length = Side * Side * Channels;

    private const int Channels = 3;

    /// <summary>Pixels of a field looked at along a side, evenly spread: a picture of 100 megapixels costs what a small one does.</summary>
    private const int Samples = 32;

    /// <summary>Of the model's input.</summary>
    /// <param name="planes">[3, size, size]: red, green, blue, each less its mean and by its standard deviation.</param>
    /// <param name="mean">Of each channel, 0 to 1.</param>
    public static byte[] OfInput(ReadOnlySpan<float> planes, int size, IReadOnlyList<float> mean, IReadOnlyList<float> deviation)
    {
        var layout = new byte[Length];
        for (int field = 0; field < Side * Side; field++)
        {
            var (top, bottom) = Bounds(field / Side, size);
            var (left, right) = Bounds(field % Side, size);
            for (int channel = 0; channel < Channels; channel++)
            {
                double sum = 0;
                for (int row = top; row < bottom; row++)
                {
                    foreach (float value in planes.Slice((channel * size * size) + (row * size) + left, right - left))
                    {
                        sum += value;
                    }
                }

                double share = (sum / ((bottom - top) * (right - left)) * deviation[channel]) + mean[channel];
                layout[(field * Channels) + channel] = ToByte(share * byte.MaxValue);
            }
        }

        return layout;
    }

    /// <summary>Of a picture that is not resized as a whole.</summary>
    /// <param name="pixels">Blue, green, red; at least 8 along either side.</param>
    /// <param name="stride">Bytes from row to row.</param>
    public static byte[] OfPicture(ReadOnlySpan<byte> pixels, int width, int height, int stride)
    {
        var layout = new byte[Length];
        for (int field = 0; field < Side * Side; field++)
        {
            var (top, bottom) = Bounds(field / Side, height);
            var (left, right) = Bounds(field % Side, width);
            long red = 0, green = 0, blue = 0;
            for (int sample = 0; sample < Samples * Samples; sample++)
            {
                int row = top + (int)((long)(bottom - top) * (sample / Samples) / Samples);
                int column = left + (int)((long)(right - left) * (sample % Samples) / Samples);
                var pixel = pixels.Slice((row * stride) + (column * Channels), Channels);
                (blue, green, red) = (blue + pixel[0], green + pixel[1], red + pixel[2]);
            }

            const double Count = Samples * Samples;
            (layout[field * Channels], layout[(field * Channels) + 1], layout[(field * Channels) + 2]) = (ToByte(red / Count), ToByte(green / Count), ToByte(blue / Count));
        }

        return layout;
    }

    private static (int From, int To) Bounds(int field, int size) => ((int)((long)field * size / Side), (int)((long)(field + 1) * size / Side));

    private static byte ToByte(double value) => (byte)Math.Clamp(Math.Round(value), byte.MinValue, byte.MaxValue);
}
