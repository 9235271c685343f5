using Microsoft.Win32.SafeHandles;

namespace LoupeGrpc.Native.Interop;

internal sealed class PreprocessorHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public PreprocessorHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.loupe_preprocessor_destroy(handle);
        return true;
    }
}

internal sealed class MaskDecoderHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public MaskDecoderHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.loupe_mask_decoder_destroy(handle);
        return true;
    }
}

internal sealed class DecoderHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public DecoderHandle()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.loupe_decoder_destroy(handle);
        return true;
    }
}
