using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Decodes the files of one thread, one at a time.</summary>
internal interface IPictureCodec : IDisposable
{
    /// <param name="file">Sniffed, and without a defect.</param>
    /// <param name="mode">Of OpenCV.</param>
    CodecAnswer Decode(ReadOnlySpan<byte> file, ImageHeader header, ImreadModes mode, IDecodeWatch watch);

    /// <summary>The pixels of the last picture have been used; the memory of a large one may go.</summary>
    void Trim();
}

/// <summary>What whoever waits for a picture has to say meanwhile.</summary>
internal interface IDecodeWatch
{
    /// <summary>The file's bytes are not touched any more.</summary>
    void InputIsRead();

    /// <summary>Nobody wants the picture any more. Asked now and then while it is decoded.</summary>
    bool IsAbandoned();
}

/// <summary>What came of a file.</summary>
/// <param name="Picture">The caller's to dispose, before it decodes the next; null where there is a reason. Its size and type are what the file made of them.</param>
/// <param name="Reason">Why there is no picture, for people, as the end of "cannot be decoded: …".</param>
/// <param name="Complaint">What the decoder said of a damaged picture that it decoded all the same; null: nothing.</param>
internal readonly record struct CodecAnswer(Mat? Picture, FrameFailure? Failure, string? Reason, string? Complaint)
{
    public const string Damaged = "its data are damaged or truncated";

    public static CodecAnswer Decoded(Mat picture, string? complaint) => new(picture, null, null, complaint);

    public static CodecAnswer Refused(string reason) => new(null, null, reason, null);

    public static CodecAnswer Failed(FrameFailure failure) => new(null, failure, null, null);
}
