using System.Runtime.CompilerServices;
using LoupeGrpc.Native.Interop;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

/// <summary>The other half of the assertions at the end of <c>loupe_native.h</c> and <c>loupe_decoding.h</c>.</summary>
public sealed class NativeStructsTests
{
    [Fact]
    public void Structs_have_the_sizes_of_the_header()
    {
        Assert.Equal(24, Unsafe.SizeOf<NativePlane>());
        Assert.Equal(96, Unsafe.SizeOf<NativeImage>());
        Assert.Equal(32, Unsafe.SizeOf<NativePreprocessorOptions>());
        Assert.Equal(80, Unsafe.SizeOf<NativeMaskRequest>());
        Assert.Equal(16, Unsafe.SizeOf<NativeCounts>());
        Assert.Equal(24, Unsafe.SizeOf<NativeDecoderOptions>());
        Assert.Equal(48, Unsafe.SizeOf<NativeDecodeRequest>());
        Assert.Equal(304, Unsafe.SizeOf<NativeDecodeResult>());
    }

    [Fact]
    public void The_library_has_the_products_version()
    {
        Assert.Equal(typeof(NativeMethods).Assembly.GetName().Version!.ToString(3), NativeMethods.Version());
    }
}
