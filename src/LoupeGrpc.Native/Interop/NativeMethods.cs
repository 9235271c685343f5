using System.Runtime.InteropServices;

namespace LoupeGrpc.Native.Interop;

// The functions of loupe_native.h and loupe_decoding.h under their own names, so that a search finds both sides.
internal static unsafe partial class NativeMethods
{
    private const string Library = "loupe_native";
    private const uint AbiVersion = 5;

    static NativeMethods()
    {
        var found = loupe_abi_version();
        if (found != AbiVersion)
        {
            throw new InvalidOperationException(
                $"libloupe_native.so has interface version {found}, LoupeGrpc.Native needs {AbiVersion}: build both from one checkout.");
        }
    }

    internal static string? Version() => Marshal.PtrToStringUTF8((nint)loupe_version());

    [LibraryImport(Library)]
    internal static partial uint loupe_abi_version();

    [LibraryImport(Library)]
    private static partial byte* loupe_version();

    [LibraryImport(Library)]
    internal static partial byte* loupe_last_error();

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_plane_layout(
        int format, int width, int height, int plane, long* rowBytes, int* rows);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_image_validate(NativeImage* image);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_image_to_bgr(NativeImage* image, byte* destination, long strideBytes, long count);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_preprocessor_create(
        NativePreprocessorOptions* options, out PreprocessorHandle preprocessor);

    [LibraryImport(Library)]
    internal static partial void loupe_preprocessor_destroy(nint preprocessor);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_preprocess_to_nchw(
        PreprocessorHandle preprocessor, NativeImage* image, float* destination, long count);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_preprocess_to_chw(
        PreprocessorHandle preprocessor, NativeImage* image, byte* destination, long count);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_mask_decoder_create(int decodeSize, out MaskDecoderHandle decoder);

    [LibraryImport(Library)]
    internal static partial void loupe_mask_decoder_destroy(nint decoder);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_mask_decode(
        MaskDecoderHandle decoder, NativeMaskRequest* request, long* area);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_encode(
        byte* mask, long maskSizeBytes, long maskStrideBytes, int width, int height, byte* destination, long capacity,
        long* written);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_decode(
        NativeCounts counts, int width, int height, byte* mask, long maskSizeBytes, long maskStrideBytes);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_area(NativeCounts counts, int width, int height, long* area);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_bounding_box(
        NativeCounts counts, int width, int height, int* box);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_merge(
        NativeCounts first, NativeCounts second, int width, int height, int operation, byte* destination,
        long capacity, long* written);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_rle_iou(
        NativeCounts first, NativeCounts second, int width, int height, double* iou);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial NativeStatus loupe_detach_file(string path, long* bytes);

    [LibraryImport(Library)]
    internal static partial void loupe_complaints_install();

    [LibraryImport(Library)]
    internal static partial void loupe_complaints_begin();

    [LibraryImport(Library)]
    internal static partial void loupe_complaints_end(byte* complaint);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_create(NativeDecoderOptions* options, out DecoderHandle decoder);

    [LibraryImport(Library)]
    internal static partial void loupe_decoder_destroy(nint decoder);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_room(DecoderHandle decoder, long inputBytes, long pixelBytes, byte** input);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_start(DecoderHandle decoder, NativeDecodeRequest* request);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_wait(DecoderHandle decoder, int milliseconds, NativeDecodeResult* result);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_trim(DecoderHandle decoder);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_process_id(DecoderHandle decoder, int* id);

    [LibraryImport(Library)]
    internal static partial NativeStatus loupe_decoder_stop(DecoderHandle decoder);
}
