using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>
/// One picture to analyse: an <see cref="EncodedFrame"/> or a <see cref="RawFrame"/>.
/// Its bytes are not copied when it is made: they must stay as they are until the call that takes it has returned, and are the caller's again then.
/// </summary>
public abstract record LoupeFrame
{
    private protected LoupeFrame(ReadOnlyMemory<byte> data) => Data = data;

    /// <summary>The file or the pixels. At most the granted <see cref="Limits.MaxFrameBytes"/>.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The caller's own number, echoed in the outcome. Any 64 bits; duplicates are allowed. Default 0.</summary>
    public ulong FrameId { get; init; }

    /// <summary>When the picture was taken, by the caller's clock. For the timeline of the summary, and for verdicts over time. Default: not known.</summary>
    public DateTimeOffset? CaptureTime { get; init; }

    /// <summary>How long after its receipt the outcome is still of use; later it is <see cref="LoupeExpired"/>. Above 0. Default: for ever.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <param name="data">The same bytes, somewhere else.</param>
    internal Frame ToMessage(ReadOnlyMemory<byte> data)
    {
        var message = new Frame
        {
            FrameId = FrameId,
            CaptureTime = CaptureTime is { } time ? Timestamp.FromDateTimeOffset(time) : null,
            Deadline = Deadline is { } deadline ? Duration.FromTimeSpan(deadline) : null,
        };
        switch (this)
        {
            case EncodedFrame:
                message.Encoded = new EncodedImage { Data = UnsafeByteOperations.UnsafeWrap(data) };
                break;
            case RawFrame raw:
                message.Raw = new RawImage { Format = raw.Format, Data = UnsafeByteOperations.UnsafeWrap(data) };
                break;
        }

        return message;
    }
}

/// <summary>A picture file, whole: JPEG, PNG, WebP, BMP or TIFF. The kind is read from the bytes.</summary>
public sealed record EncodedFrame : LoupeFrame
{
    /// <param name="file">The file's bytes.</param>
    public EncodedFrame(ReadOnlyMemory<byte> file)
        : base(file)
    {
    }
}

/// <summary>Uncompressed pixels, 8 bits a sample.</summary>
public sealed record RawFrame : LoupeFrame
{
    /// <param name="pixels">The planes one behind the other, each of its stride times its rows.</param>
    /// <param name="format">Layout and size. Null: <see cref="LoupeSessionOptions.FrameFormat"/>, in sessions only.</param>
    public RawFrame(ReadOnlyMemory<byte> pixels, FrameFormat? format = null)
        : base(pixels) => Format = format;

    /// <summary>Layout and size; null for the session's.</summary>
    public FrameFormat? Format { get; }
}
