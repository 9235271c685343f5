using System.Runtime.InteropServices;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>The pictures that a benchmark sends over and over, all in memory before it begins.</summary>
internal static class BenchPictures
{
    private const int MadeWidth = 1920;
    private const int MadeHeight = 1080;
    private const int MadeQuality = 90;

    /// <summary>Of all together: a benchmark must not measure the disk, nor this machine's swapping.</summary>
    private const long MostBytes = 1L << 30;

    /// <exception cref="CliException">One of them cannot be read, or they are too many.</exception>
    public static async Task<IReadOnlyList<byte[]>> LoadAsync(string path, Limits limits, CancellationToken cancellationToken)
    {
        List<byte[]> pictures = [];
        long bytes = 0;
        foreach (var item in PathExpander.Expand([path], cancellationToken: cancellationToken))
        {
            var (frame, failure) = await item.LoadAsync(0, limits, cancellationToken);
            if (failure is not null)
            {
                throw CliException.Usage($"--source {item.Path}: {failure.Message}");
            }

            pictures.Add(frame!.Data.ToArray());
            bytes += frame.Data.Length;
            if (bytes > MostBytes)
            {
                throw CliException.Usage($"--source {path}: the pictures have more than 1 GiB together, and all of them are kept in memory: name fewer of them");
            }
        }

        return pictures;
    }

    /// <summary>A JPEG of 1920 x 1080 with shades and grain, the same each time.</summary>
    /// <exception cref="CliException">OpenCV cannot be loaded.</exception>
    public static byte[] Make()
    {
        OpenCvRuntime.EnsureLoaded();
        var random = new Random(1);
        using var picture = new Mat(MadeHeight, MadeWidth, MatType.CV_8UC3);
        var row = new byte[MadeWidth * 3];
        for (var y = 0; y < MadeHeight; y++)
        {
            for (var x = 0; x < MadeWidth; x++)
            {
                var grain = random.Next(-12, 13);
                row[x * 3] = Shade(x * 255 / MadeWidth, grain);
                row[(x * 3) + 1] = Shade(y * 255 / MadeHeight, grain);
                row[(x * 3) + 2] = Shade((x + y) * 255 / (MadeWidth + MadeHeight), grain);
            }

            Marshal.Copy(row, 0, picture.Ptr(y), row.Length);
        }

        Cv2.ImEncode(".jpg", picture, out var jpeg, new ImageEncodingParam(ImwriteFlags.JpegQuality, MadeQuality));
        return jpeg;
    }

    private static byte Shade(int value, int grain) => (byte)Math.Clamp(value + grain, 0, 255);
}
