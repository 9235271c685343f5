using System.Runtime.InteropServices;
using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>How far a picture is.</summary>
public enum DecodeState
{
    Running = 0,
    Done = 1,

    /// <summary>The decoder makes nothing of the data.</summary>
    Refused = 2,

    /// <summary>It takes more memory than it was given.</summary>
    OutOfMemory = 3,

    /// <summary>The process died of the picture.</summary>
    Died = 4,

    /// <summary>The library that the format takes is not there, or lacks a decoder: the complaint says which.</summary>
    Unavailable = 5,
}

/// <summary>Which library decodes.</summary>
public enum DecodeFormat
{
    /// <summary>OpenCV, with the flags of its imdecode.</summary>
    OpenCv = 0,

    /// <summary>The system's libheif: the primary picture as stored, in 8-bit BGR.</summary>
    Heic = 1,

    /// <inheritdoc cref="Heic"/>
    Avif = 2,
}

/// <summary>What a picture may take.</summary>
/// <param name="MemoryBytes">Address space beyond what the idle process takes.</param>
/// <param name="ProcessorTime">After it the system ends the process, a second or two later, where the caller has not.</param>
public readonly record struct DecodeLimits(long MemoryBytes, TimeSpan ProcessorTime);

/// <summary>An answer of <see cref="DecoderProcess.Wait"/>.</summary>
/// <param name="Type">OpenCV's: depth and channels.</param>
/// <param name="Step">Bytes from row to row. Not checked against <paramref name="Width"/>.</param>
/// <param name="Pixels">Address in shared memory, <paramref name="Step"/> times <paramref name="Height"/> bytes; valid until the process is used again.</param>
/// <param name="ProcessorTime">That the picture has taken so far.</param>
/// <param name="Signal">That the process died of; 0 where it just ended.</param>
/// <param name="Complaint">As of <see cref="DecoderComplaints.End"/>.</param>
public readonly record struct DecodeAnswer(
    DecodeState State, int Width, int Height, int Type, long Step, nint Pixels, TimeSpan ProcessorTime, int Signal, string? Complaint);

/// <summary>
/// Decodes pictures in a process of its own, the program <c>loupe_decoder</c>, one at a time, through shared memory. The process is started when it is first
/// needed and again after it was stopped or died, and ends with this one, also when this one is killed. Not thread-safe.
/// </summary>
public sealed class DecoderProcess : IDisposable
{
    private const int NanosecondsPerTick = 100;

    private readonly DecoderHandle _handle;

    /// <param name="program">Path of <c>loupe_decoder</c>.</param>
    /// <param name="openCv">Path of <c>libOpenCvSharpExtern.so</c>.</param>
    public unsafe DecoderProcess(string program, string openCv)
    {
        nint programText = Marshal.StringToCoTaskMemUTF8(program);
        nint openCvText = Marshal.StringToCoTaskMemUTF8(openCv);
        try
        {
            var options = new NativeDecoderOptions
            {
                StructSize = (uint)sizeof(NativeDecoderOptions),
                Program = (byte*)programText,
                OpenCv = (byte*)openCvText,
            };
            NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_create(&options, out _handle));
        }
        finally
        {
            Marshal.FreeCoTaskMem(programText);
            Marshal.FreeCoTaskMem(openCvText);
        }
    }

    /// <summary>0 where there is no process now.</summary>
    public unsafe int ProcessId
    {
        get
        {
            int id;
            NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_process_id(_handle, &id));
            return id;
        }
    }

    /// <summary>Where the bytes to decode go. What was decoded before is gone.</summary>
    /// <param name="pixelBytes">That the decoded picture will take.</param>
    /// <exception cref="NativeException">The process cannot be started, or there is no memory.</exception>
    public unsafe Span<byte> Room(int inputBytes, long pixelBytes)
    {
        byte* input;
        NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_room(_handle, inputBytes, pixelBytes, &input));
        return new Span<byte>(input, inputBytes);
    }

    /// <summary>Begins to decode what was written into <see cref="Room"/>, which begins there.</summary>
    /// <param name="flags">Of OpenCV's imdecode.</param>
    /// <exception cref="NativeException">The process cannot be started, and why.</exception>
    public unsafe void Start(int inputBytes, long pixelBytes, DecodeFormat format, int flags, DecodeLimits limits)
    {
        var request = new NativeDecodeRequest
        {
            StructSize = (uint)sizeof(NativeDecodeRequest),
            Flags = flags,
            Format = (int)format,
            InputBytes = inputBytes,
            PixelBytes = pixelBytes,
            MemoryBytes = limits.MemoryBytes,
            ProcessorNanoseconds = limits.ProcessorTime.Ticks * NanosecondsPerTick,
        };
        NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_start(_handle, &request));
    }

    /// <param name="atMost">Whole milliseconds.</param>
    public unsafe DecodeAnswer Wait(TimeSpan atMost)
    {
        NativeDecodeResult result = default;
        result.StructSize = (uint)sizeof(NativeDecodeResult);
        NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_wait(_handle, (int)atMost.TotalMilliseconds, &result));
        return new DecodeAnswer(
            (DecodeState)result.State,
            result.Width,
            result.Height,
            result.Type,
            result.StepBytes,
            (nint)result.Pixels,
            new TimeSpan(result.ProcessorNanoseconds / NanosecondsPerTick),
            result.Signal,
            result.State == (int)DecodeState.Running ? null : DecoderComplaints.Read(result.Complaint));
    }

    /// <summary>Gives a large picture's memory back to the system.</summary>
    public void Trim() => NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_trim(_handle));

    /// <summary>Ends the process, whatever it does.</summary>
    public void Stop() => NativeException.ThrowIfFailed(NativeMethods.loupe_decoder_stop(_handle));

    public void Dispose() => _handle.Dispose();
}
