using System.Diagnostics;
using System.IO.Compression;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>A picture that holds a decoder, or breaks it, is ended and told so; the next one is decoded.</summary>
public sealed class WorkerCodecTests
{
    // 2,400 by 2,400 pixels whose data go on for 8 GB more.
    private static readonly byte[] _endless = EndlessPng(2400, 8000);

    public WorkerCodecTests() => OpenCv.Initialize();

    [Fact]
    public void Data_behind_the_rows_of_a_png_end_its_decoding()
    {
        using var decoder = CreateDecoder();

        Assert.Equal("The PNG cannot be decoded: its compressed data go on after its last row.", Decode(decoder, _endless)?.Message);
        AssertDecodes(decoder);
    }

    [Fact]
    public void Data_behind_the_rows_of_a_png_are_the_reason_however_early_its_time_is_over()
    {
        using var decoder = CreateDecoder(new ImagingOptions { DecodeTime = TimeSpan.FromMilliseconds(1) });

        Assert.Equal("The PNG cannot be decoded: its compressed data go on after its last row.", Decode(decoder, _endless)?.Message);
    }

    [Fact]
    public void Processor_time_is_limited_and_the_limit_names_its_setting()
    {
        // Enough for the small picture behind it, ten times over, on a machine that is busy.
        using var decoder = CreateDecoder(new ImagingOptions { DecodeTime = TimeSpan.FromMilliseconds(200) });

        Assert.Equal(
            "The WebP cannot be decoded: it takes longer than the 1.4 s allowed for its size (Loupe:Imaging:DecodeTime).",
            Decode(decoder, _endless, kind: ImageKind.WebP)?.Message);
        AssertDecodes(decoder);
    }

    /// <summary>Where whoever waits for it is held up.</summary>
    [Fact]
    public void The_process_ends_itself_when_its_picture_has_had_its_time()
    {
        const int SignalOfProcessorTime = 24;
        var program = DecoderProgram.Find();
        using var process = new DecoderProcess(program.Path, program.OpenCv);
        const long PixelBytes = 2400L * 2400 * 3;
        _endless.CopyTo(process.Room(_endless.Length, PixelBytes));
        process.Start(_endless.Length, PixelBytes, DecodeFormat.OpenCv, (int)ImreadModes.Color, new DecodeLimits(1L << 30, TimeSpan.FromMilliseconds(100)));

        DecodeAnswer answer;
        do
        {
            answer = process.Wait(TimeSpan.FromSeconds(1));
        }
        while (answer.State == DecodeState.Running);

        Assert.Equal((DecodeState.Died, SignalOfProcessorTime), (answer.State, answer.Signal));
    }

    /// <summary>The system counts a limit of the process by its ticks, which are seconds away from the time that a process of many short works has taken.</summary>
    [Fact]
    public void Time_is_limited_for_each_picture_and_not_for_the_process()
    {
        var codec = Codecs.CreateWorker();
        using var decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
        AssertDecodes(decoder);

        string limit = File.ReadLines($"/proc/{codec.ProcessId}/limits").Single(static line => line.StartsWith("Max cpu time", StringComparison.Ordinal));

        Assert.Equal(File.ReadLines("/proc/self/limits").Single(static line => line.StartsWith("Max cpu time", StringComparison.Ordinal)), limit);
    }

    [Fact]
    public void A_picture_that_nobody_wants_any_more_is_given_up()
    {
        using var decoder = CreateDecoder(new ImagingOptions { DecodeTime = TimeSpan.FromMinutes(1) });
        var watch = new Leaver();

        var failure = Decode(decoder, _endless, watch, kind: ImageKind.WebP);

        Assert.Equal(FailureKind.Canceled, failure?.Kind);
        Assert.True(watch.InputWasRead);
        AssertDecodes(decoder);
    }

    [Fact]
    public void Memory_is_limited_by_what_the_size_explains()
    {
        // 9,000 by 9,000 pixels, as coefficients some 500 MB, under a header of 8 by 8.
        using var large = new Mat(9000, 9000, MatType.CV_8UC3, Scalar.All(90));
        byte[] jpeg = PictureFiles.Encode(".jpg", large, new ImageEncodingParam(ImwriteFlags.JpegProgressive, 1));
        using var decoder = CreateDecoder();

        var failure = decoder.Decode(jpeg, new ImageHeader(ImageKind.Jpeg, 8, 8), Unwatched.Instance, out _, out _);

        Assert.Equal("The JPEG cannot be decoded: it takes more memory than its size justifies.", failure?.Message);
        AssertDecodes(decoder);
    }

    [Fact]
    public async Task A_process_that_dies_takes_one_picture_along()
    {
        var codec = Codecs.CreateWorker(new ImagingOptions { DecodeTime = TimeSpan.FromMinutes(1) });
        using var decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
        AssertDecodes(decoder);
        int child = codec.ProcessId;
        var watch = new Waiter();
        var decoding = Task.Run(() => Decode(decoder, _endless, watch, kind: ImageKind.WebP), TestContext.Current.CancellationToken);
        await Task.WhenAny(watch.Decoding, decoding);
        Assert.False(decoding.IsCompleted);

        using (var process = Process.GetProcessById(child))
        {
            process.Kill();
        }

        Assert.Equal("The WebP cannot be decoded: the decoder was killed while decoding it.", (await decoding)?.Message);
        AssertDecodes(decoder);
        Assert.NotEqual(child, codec.ProcessId);
    }

    [Fact]
    public void A_process_that_died_between_two_pictures_is_started_again()
    {
        var codec = Codecs.CreateWorker();
        using var decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
        AssertDecodes(decoder);
        int child = codec.ProcessId;
        using (var process = Process.GetProcessById(child))
        {
            process.Kill();
        }

        while (IsRunning(child))
        {
            Thread.Sleep(10);
        }

        AssertDecodes(decoder);
        Assert.NotEqual(child, codec.ProcessId);
    }

    [Fact]
    public void The_process_ends_with_its_decoder()
    {
        var codec = Codecs.CreateWorker();
        var decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
        AssertDecodes(decoder);
        int child = codec.ProcessId;
        Assert.True(IsRunning(child));

        decoder.Dispose();

        Assert.False(IsRunning(child));
    }

    [Fact]
    public void Sizes_may_change_from_picture_to_picture()
    {
        using var decoder = CreateDecoder();
        foreach (int side in new[] { 10, 3000, 50, 4000, 1, 2000 })
        {
            using var picture = new Mat(side, side, MatType.CV_8UC3, new Scalar(side % 200, 20, 30));
            byte[] png = PictureFiles.Encode(".png", picture);
            Assert.Null(decoder.Decode(png, ImageSniffer.Sniff(png).Header, Unwatched.Instance, out var decoded, out _));
            using (decoded)
            {
                Assert.Equal(new Vec3b((byte)(side % 200), 20, 30), decoded!.At<Vec3b>(side - 1, side - 1));
            }

            decoder.Trim();
        }
    }

    [Fact]
    public void What_is_not_there_is_named()
    {
        string folder = Path.GetTempPath();

        var exception = Assert.Throws<ModelLoadException>(() => DecoderProgram.Find(Path.Combine(folder, "nothing-here"), searched: null));

        Assert.Contains("loupe_decoder", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Loupe:Imaging:Isolation=none", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_cannot_be_loaded_is_told_by_the_process()
    {
        var program = DecoderProgram.Find() with { OpenCv = "/nowhere/libOpenCvSharpExtern.so" };
        using var codec = new WorkerCodec(program, new ImagingOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System);
        byte[] png = File.ReadAllBytes(TestData.Golden("preprocess", "rgb-3x2.png"));

        var exception = Assert.Throws<LoupeGrpc.Native.NativeException>(() => codec.Decode(png, ImageSniffer.Sniff(png).Header, ImreadModes.Color, Unwatched.Instance));

        Assert.Contains("/nowhere/libOpenCvSharpExtern.so: cannot open shared object file", exception.Message, StringComparison.Ordinal);
    }

    private static FrameDecoder CreateDecoder(ImagingOptions? options = null) => new(Codecs.CreateWorker(options), DamagedPictures.Uncertain);

    /// <param name="kind">Under the name of another kind a PNG is not looked at more closely while it keeps the decoder busy.</param>
    private static FrameFailure? Decode(FrameDecoder decoder, byte[] png, IDecodeWatch? watch = null, ImageKind kind = ImageKind.Png)
    {
        var header = ImageSniffer.Sniff(png).Header with { Kind = kind };
        var failure = decoder.Decode(png, header, watch ?? Unwatched.Instance, out var picture, out _);
        picture?.Dispose();
        decoder.Trim();
        return failure;
    }

    private static void AssertDecodes(FrameDecoder decoder)
    {
        byte[] jpeg = Faults.Read("jpeg-whole.jpg");
        Assert.Null(decoder.Decode(jpeg, ImageSniffer.Sniff(jpeg).Header, Unwatched.Instance, out var picture, out _));
        Assert.Equal((320, 240), (picture!.Width, picture.Height));
        picture.Dispose();
        decoder.Trim();
    }

    private static byte[] EndlessPng(int side, int megabytes)
    {
        using var data = new MemoryStream();
        using var deflate = new DeflateStream(data, CompressionLevel.SmallestSize);
        deflate.Write(new byte[1 << 20]);
        deflate.Flush();

        // The block of a megabyte as often as is wanted; no block is the last.
        byte[] block = data.ToArray();
        byte[] stream = [0x78, 0x9C, .. Enumerable.Repeat(block, megabytes).SelectMany(static bytes => bytes)];
        byte[] png = [.. PictureFiles.PngHeader((uint)side, (uint)side), .. PictureFiles.PngChunk("IDAT", stream), .. PictureFiles.PngChunk("IEND")];
        Assert.Null(ImageSniffer.Sniff(png).Header.Defect);
        return png;
    }

    /// <summary>Until its last thread has gone: only then are its sockets closed.</summary>
    private static bool IsRunning(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task").Length > 1
                || !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private sealed class Leaver : IDecodeWatch
    {
        public bool InputWasRead { get; private set; }

        public void InputIsRead() => InputWasRead = true;

        public bool IsAbandoned() => true;
    }

    /// <summary>Says when the process has the picture: when its input is read, it is still to be handed over.</summary>
    private sealed class Waiter : IDecodeWatch
    {
        private readonly TaskCompletionSource _decoding = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Decoding => _decoding.Task;

        public void InputIsRead()
        {
        }

        public bool IsAbandoned()
        {
            _decoding.TrySetResult();
            return false;
        }
    }
}
