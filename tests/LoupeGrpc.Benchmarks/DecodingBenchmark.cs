using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;
using OpenCvSharp;

namespace LoupeGrpc.Benchmarks;

/// <summary>From a picture's bytes to the model's input, by OpenCV alone, in this process with all checks, and in a process of its own. Taken in turns.</summary>
internal sealed class DecodingBenchmark : IDecodeWatch, IDisposable
{
    private const int ImageSize = 224;
    private const int InARow = 100;

    private readonly Preprocessor _preprocessor = new(ImageSize);
    private readonly float[] _input = new float[3 * ImageSize * ImageSize];

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE") { Description = "Pictures", DefaultValueFactory = _ => [TestData.Golden("preprocess", "rgb-1920x1080.jpg")] };
        var rounds = new Option<int>("--rounds") { Description = "Of all ways together", DefaultValueFactory = _ => 600 };
        var command = new Command("decoding", "What decoding in a process of its own costs") { files, rounds };
        command.SetAction(result =>
        {
            OpenCv.Initialize();
            foreach (string file in result.GetRequiredValue(files))
            {
                using var benchmark = new DecodingBenchmark();
                benchmark.Run(file, result.GetRequiredValue(rounds));
            }
        });
        return command;
    }

    public void InputIsRead()
    {
    }

    public bool IsAbandoned() => false;

    public void Dispose() => _preprocessor.Dispose();

    private void Run(string path, int rounds)
    {
        byte[] file = File.ReadAllBytes(path);
        using var local = new FrameDecoder(new LocalCodec(), DamagedPictures.Uncertain);
        using var worker = new FrameDecoder(
            PictureCodecs.Create(new ImagingOptions(), NullLogger.Instance, TimeProvider.System).CreateCodec(), DamagedPictures.Uncertain);
        List<(string Name, Action Decode, List<double> Milliseconds)> ways =
        [
            ("OpenCV alone", () => Alone(file), []),
            ("Isolation=none", () => Checked(file, local), []),
            ("Isolation=process", () => Checked(file, worker), []),
        ];
        ways.ForEach(static way => way.Decode());
        for (int i = 0; i < rounds; i++)
        {
            // Several in a row: what one way leaves in the caches is not the next one's.
            var (_, decode, milliseconds) = ways[i / InARow % ways.Count];
            long start = Stopwatch.GetTimestamp();
            decode();
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        ways.ForEach(static way => way.Milliseconds.Sort());
        double alone = Median(ways[0].Milliseconds);
        Console.WriteLine($"{Path.GetFileName(path)}, {file.Length / 1024} KiB, milliseconds from bytes to the model's input");
        foreach (var (name, _, milliseconds) in ways)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-18} median {Median(milliseconds):0.000}  tenth {milliseconds[milliseconds.Count / 10]:0.000}  least {milliseconds[0]:0.000}  median against OpenCV alone {Median(milliseconds) / alone:0.000}"));
        }
    }

    private static double Median(List<double> sorted) => sorted[sorted.Count / 2];

    private void Alone(byte[] file)
    {
        using var picture = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
        Preprocess(picture);
    }

    private void Checked(byte[] file, FrameDecoder decoder)
    {
        if (FrameInspector.Inspect(new EncodedInput(file), new EngineLimits { MaxFrameBytes = 128 << 20 }, out var shape) is { } refusal)
        {
            throw new InvalidOperationException(refusal.Message);
        }

        if (decoder.Decode(file, shape.Header!.Value, this, out var picture, out _) is { } failure)
        {
            throw new InvalidOperationException(failure.Message);
        }

        using (picture)
        {
            Preprocess(picture!);
        }

        decoder.Trim();
    }

    private void Preprocess(Mat picture)
    {
        var bgr = MemoryMarshal.AsBytes(picture.AsSpan<Vec3b>());
        _preprocessor.ToNchw(new PixelSource(PixelFormat.Bgr24, picture.Width, picture.Height, bgr, (int)picture.Step()), _input);
    }
}
