using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging.Abstractions;
using OpenCvSharp;

namespace LoupeGrpc.Engine;

/// <summary>Pictures that ranges are measured on, as the model's input: about 1.4 MB each at the size L14.</summary>
public sealed class QuantizationPictures
{
    /// <summary>Fewer show too little of what a layer's input may be.</summary>
    public const int Least = 8;

    /// <summary>More change ranges by next to nothing, and each is analysed many times.</summary>
    public const int Most = 64;

    private QuantizationPictures(IReadOnlyList<float[]> pixels, string sha256, IReadOnlyList<(string Path, string Reason)> leftOut, int offered) =>
        (Pixels, Sha256, LeftOut, Offered) = (pixels, sha256, leftOut, offered);

    /// <summary>Of each picture, [1,3,S,S].</summary>
    internal IReadOnlyList<float[]> Pixels { get; }

    public int Count => Pixels.Count;

    /// <summary>Of the files that there are, at most <see cref="Most"/> were read.</summary>
    public int Offered { get; }

    /// <inheritdoc cref="QuantizationSettings.PicturesSha256"/>
    public string Sha256 { get; }

    /// <summary>Files that count for nothing, and why.</summary>
    public IReadOnlyList<(string Path, string Reason)> LeftOut { get; }

    /// <summary>Reads pictures; of more than <see cref="Most"/> files, as many that lie evenly among them.</summary>
    /// <param name="manifest">Says how the model sees a picture.</param>
    /// <exception cref="ModelLoadException">Too few are left that show something; the message says what became of the others.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static QuantizationPictures Read(ModelManifest manifest, IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        OpenCv.Initialize();
        var taken = files.Count <= Most ? files : [.. Enumerable.Range(0, Most).Select(index => files[(int)((long)index * files.Count / Most)])];
        List<float[]> pixels = [];
        SortedSet<string> hashes = new(StringComparer.Ordinal);
        List<(string, string)> leftOut = [];
        var options = new EngineOptions();
        var codec = PictureCodecs.Create(options.Imaging, NullLogger.Instance, TimeProvider.System).CreateCodec();
        using var decoder = new FrameDecoder(codec, DamagedPictures.Refuse);
        using var preprocessor = new Preprocessor(manifest.ImageSize, [.. manifest.Mean], [.. manifest.Std]);
        foreach (string file in taken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var values = new float[3 * manifest.ImageSize * manifest.ImageSize];
            if (Read(file, options.Limits, decoder, preprocessor, values, hashes) is { } reason)
            {
                leftOut.Add((file, reason));
            }
            else
            {
                pixels.Add(values);
            }
        }

        var list = new StringBuilder();
        foreach (string hash in hashes)
        {
            list.Append(hash).Append('\n');
        }

        return pixels.Count >= Least
            ? new QuantizationPictures(pixels, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list.ToString()))), leftOut, files.Count)
            : throw new ModelLoadException(
                $"int8 needs at least {Least} pictures to measure ranges on, and of {files.Count} files {pixels.Count} are of use"
                + (leftOut.Count > 0 ? $"; the first of the others: {leftOut[0].Item1}: {leftOut[0].Item2}" : ". Give a folder with more of them (--calibration)."));
    }

    /// <returns>Why the file counts for nothing; null where it does not.</returns>
    private static string? Read(string file, EngineLimits limits, FrameDecoder decoder, Preprocessor preprocessor, float[] values, SortedSet<string> hashes)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }

        if (FrameInspector.Inspect(new EncodedInput(bytes), limits, out var shape) is { } refused)
        {
            return refused.Message;
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (hashes.Contains(hash))
        {
            return "It is a copy of another one.";
        }

        try
        {
            if (decoder.Decode(bytes, shape.Header!.Value, Unwatched.Instance, out var picture, out _) is { } failure)
            {
                return failure.Message;
            }

            using (picture)
            {
                preprocessor.ToNchw(new PixelSource(PixelFormat.Bgr24, picture!.Width, picture.Height, PixelsOf(picture), (int)picture.Step()), values);
            }
        }
        finally
        {
            decoder.Trim();
        }

        if (IsFlat(values))
        {
            return "It is of one colour, and shows nothing.";
        }

        hashes.Add(hash);
        return null;
    }

    private static ReadOnlySpan<byte> PixelsOf(Mat picture) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(picture.AsSpan<Vec3b>());

    /// <param name="values">[3,S,S].</param>
    private static bool IsFlat(float[] values)
    {
        int plane = values.Length / 3;
        return Enumerable.Range(0, 3).All(channel => values.AsSpan(channel * plane, plane).IndexOfAnyExcept(values[channel * plane]) < 0);
    }

    private sealed class Unwatched : IDecodeWatch
    {
        public static Unwatched Instance { get; } = new();

        public void InputIsRead()
        {
        }

        public bool IsAbandoned() => false;
    }
}
