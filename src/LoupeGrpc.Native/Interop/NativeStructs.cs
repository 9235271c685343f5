using System.Runtime.InteropServices;

namespace LoupeGrpc.Native.Interop;

// The structs of loupe_native.h and loupe_decoding.h, field by field. Their sizes are pinned there and in NativeStructsTests.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativePlane
{
    public byte* Data;
    public long SizeBytes;
    public long StrideBytes;

    public NativePlane(byte* data, int size, int stride)
    {
        Data = data;
        SizeBytes = size;
        StrideBytes = stride;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeImage
{
    public uint StructSize;
    public int Format;
    public int Width;
    public int Height;
    public int Matrix;
    public int Range;
    public NativePlane Plane0;
    public NativePlane Plane1;
    public NativePlane Plane2;

    /// <summary>The pointers are those of the source's spans, pinned by the caller for as long as the result is used.</summary>
    public static NativeImage From(in PixelSource source, byte* plane0, byte* plane1, byte* plane2) => new()
    {
        StructSize = (uint)sizeof(NativeImage),
        Format = (int)source.Format,
        Width = source.Width,
        Height = source.Height,
        Matrix = (int)source.Matrix,
        Range = (int)source.Range,
        Plane0 = new NativePlane(plane0, source.Plane0.Length, source.Stride0),
        Plane1 = new NativePlane(plane1, source.Plane1.Length, source.Stride1),
        Plane2 = new NativePlane(plane2, source.Plane2.Length, source.Stride2),
    };
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativePreprocessorOptions
{
    public uint StructSize;
    public int ImageSize;
    public fixed float Mean[3];
    public fixed float Std[3];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMaskRequest
{
    public uint StructSize;
    public int Queries;
    public int GridWidth;
    public int GridHeight;
    public int Width;
    public int Height;
    public float Threshold;
    public int SoftExtent;
    public float* MaskLogits;
    public float* ClassLogits;
    public byte* Mask;
    public long MaskStrideBytes;
    public float* Soft;
    public long SoftStrideElements;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeCounts
{
    public byte* Data;
    public long SizeBytes;

    public NativeCounts(byte* data, int size)
    {
        Data = data;
        SizeBytes = size;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeDecoderOptions
{
    public uint StructSize;
    public int Reserved;
    public byte* Program;
    public byte* OpenCv;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeDecodeRequest
{
    public uint StructSize;
    public int Flags;
    public int Format;
    public int Reserved;
    public long InputBytes;
    public long PixelBytes;
    public long MemoryBytes;
    public long ProcessorNanoseconds;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeDecodeResult
{
    public const int MaxComplaint = 256;

    public uint StructSize;
    public int State;
    public int Width;
    public int Height;
    public int Type;
    public int Signal;
    public long StepBytes;
    public long ProcessorNanoseconds;
    public byte* Pixels;
    public fixed byte Complaint[MaxComplaint];
}
