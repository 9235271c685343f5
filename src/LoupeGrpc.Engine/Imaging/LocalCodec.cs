using System.Buffers;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>OpenCV in this process. A picture that it has begun with it ends, however long that takes.</summary>
internal sealed class LocalCodec : IPictureCodec
{
    public CodecAnswer Decode(ReadOnlySpan<byte> file, ImageHeader header, ImreadModes mode, IDecodeWatch watch)
    {
        if (header.Kind is ImageKind.Heic or ImageKind.Avif)
        {
            return CodecAnswer.Failed(HeifFiles.Unavailable(header.Kind, "Loupe:Imaging:Isolation is none, and libheif runs in processes of its own only"));
        }

        if (header.Kind == ImageKind.Png && !PngInflation.Fits(file))
        {
            return CodecAnswer.Refused(PngInflation.TooMuch);
        }

        byte[]? rented = null;
        try
        {
            var bytes = file;
            if (DecodableBytes.Differ(header))
            {
                rented = ArrayPool<byte>.Shared.Rent(file.Length);
                if (DecodableBytes.Write(file, header, rented, out int length) is { } defect)
                {
                    return CodecAnswer.Refused(defect);
                }

                bytes = rented.AsSpan(0, length);
            }

            return Decode(bytes, mode);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    public void Trim()
    {
    }

    public void Dispose()
    {
    }

    private static CodecAnswer Decode(ReadOnlySpan<byte> bytes, ImreadModes mode)
    {
        string? complaint = null;
        Mat? picture = null;
        DecoderComplaints.Begin();
        try
        {
            picture = Cv2.ImDecode(bytes, mode);
        }
        catch (OpenCVException exception) when (exception.Status != ErrorCode.StsNoMem)
        {
            return CodecAnswer.Refused(CodecAnswer.Damaged);
        }
        finally
        {
            complaint = DecoderComplaints.End();
        }

        if (!picture.Empty())
        {
            return CodecAnswer.Decoded(picture, complaint);
        }

        picture.Dispose();
        return CodecAnswer.Refused(CodecAnswer.Damaged);
    }
}
