using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;
using PixelFormat = LoupeGrpc.Native.PixelFormat;
using Wire = LoupeGrpc.V1;
using YuvMatrix = LoupeGrpc.Native.YuvMatrix;
using YuvRange = LoupeGrpc.Native.YuvRange;

namespace LoupeGrpc.Server.Contract;

/// <summary>Pictures of the contract as the engine takes them. The bytes stay where they are: the message must live until the answer.</summary>
internal static class FrameReader
{
    /// <summary>More strides than any format has planes.</summary>
    private const int MaxStrides = 4;

    public static IncomingFrame Read(Frame frame, SessionOpening session)
    {
        FrameFailure? failure = null;
        var input = frame.ImageCase switch
        {
            Frame.ImageOneofCase.Encoded => Read(frame.Encoded),
            Frame.ImageOneofCase.Raw => Read(frame.Raw, session.FrameFormat, out failure),
            _ => null,
        };
        if (frame.ImageCase == Frame.ImageOneofCase.None)
        {
            failure = Invalid("the frame holds no picture");
        }

        TimeSpan? deadline = null;
        if (frame.Deadline is not null)
        {
            if (Durations.TryReadPositive(frame.Deadline, out var wanted))
            {
                deadline = wanted;
            }
            else
            {
                failure ??= Invalid("the frame's deadline is not above zero");
            }
        }

        CaptureTime? captureTime = null;
        if (frame.CaptureTime is { } time)
        {
            if (Durations.IsValid(time))
            {
                captureTime = new CaptureTime(time.Seconds, time.Nanos);
            }
            else
            {
                failure ??= Invalid("the frame's capture_time is not a valid time");
            }
        }

        return new IncomingFrame(
            frame.FrameId, captureTime, deadline, input ?? new EncodedInput((frame.Raw?.Data ?? ByteString.Empty).Memory), failure);
    }

    public static FrameInput Read(EncodedImage image) => new EncodedInput(image.Data.Memory);

    /// <summary>Null, and why, where the format is missing or makes no sense. Whether it fits the bytes is the engine's to say.</summary>
    /// <param name="sessionFormat">Used where the picture has no format of its own.</param>
    public static FrameInput? Read(RawImage image, RawLayout? sessionFormat, out FrameFailure? failure)
    {
        failure = null;
        var layout = sessionFormat;
        if (image.Format is not null)
        {
            layout = Read(image.Format, out var error);
            failure = error is null ? null : Invalid(error);
        }
        else if (layout is null)
        {
            failure = Invalid("the raw frame says no format, and the session has none");
        }

        return layout is null || failure is not null ? null : new RawInput(image.Data.Memory, layout);
    }

    /// <summary>Null, and why, where it makes no sense.</summary>
    public static RawLayout? Read(FrameFormat format, out string? error)
    {
        error = null;
        PixelFormat? pixelFormat = format.PixelFormat switch
        {
            Wire.PixelFormat.Bgr24 => PixelFormat.Bgr24,
            Wire.PixelFormat.Rgb24 => PixelFormat.Rgb24,
            Wire.PixelFormat.Bgra32 => PixelFormat.Bgra32,
            Wire.PixelFormat.Gray8 => PixelFormat.Gray8,
            Wire.PixelFormat.Nv12 => PixelFormat.Nv12,
            Wire.PixelFormat.I420 => PixelFormat.I420,
            Wire.PixelFormat.Yuyv => PixelFormat.Yuyv,
            _ => null,
        };
        YuvMatrix? matrix = format.YuvMatrix switch
        {
            Wire.YuvMatrix.Unspecified or Wire.YuvMatrix.Bt601 => YuvMatrix.Bt601,
            Wire.YuvMatrix.Bt709 => YuvMatrix.Bt709,
            _ => null,
        };
        YuvRange? range = format.YuvRange switch
        {
            Wire.YuvRange.Unspecified or Wire.YuvRange.Limited => YuvRange.Limited,
            Wire.YuvRange.Full => YuvRange.Full,
            _ => null,
        };

        if (pixelFormat is null)
        {
            error = format.PixelFormat == Wire.PixelFormat.Unspecified
                ? "pixel_format is not set"
                : $"pixel_format {(int)format.PixelFormat} is not known";
        }
        else if (matrix is null)
        {
            error = $"yuv_matrix {(int)format.YuvMatrix} is not known";
        }
        else if (range is null)
        {
            error = $"yuv_range {(int)format.YuvRange} is not known";
        }
        else if (format.Width is 0 or > int.MaxValue || format.Height is 0 or > int.MaxValue)
        {
            error = $"the frame has no pixels ({format.Width} x {format.Height})";
        }
        else if (format.Strides.Count > MaxStrides)
        {
            error = $"{format.Strides.Count} strides are given, and no format has more than {MaxStrides} planes";
        }
        else if (format.Strides.Any(static stride => stride > int.MaxValue))
        {
            error = $"a stride of {format.Strides.Max()} bytes is too long";
        }

        return error is null
            ? new RawLayout(
                pixelFormat!.Value, (int)format.Width, (int)format.Height, [.. format.Strides.Select(static stride => (int)stride)],
                matrix!.Value, range!.Value)
            : null;
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
