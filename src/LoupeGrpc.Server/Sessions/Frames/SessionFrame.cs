using System.Diagnostics;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>Something of a session that gets one answer, in its turn.</summary>
internal abstract class SessionItem
{
    /// <summary>Null until decided. Owned by <see cref="OutcomeSequencer"/>.</summary>
    public SessionResponse? Response { get; set; }

    /// <summary>Goes before the response.</summary>
    public SessionNotice? Before { get; set; }

    /// <summary>Follow the response.</summary>
    public IReadOnlyList<SessionNotice> Events { get; set; } = [];
}

/// <summary>A command; its answer is known at once and waits for the outcomes before it.</summary>
internal sealed class AnsweredCommand : SessionItem
{
    /// <summary>Of the frames behind it.</summary>
    public required AnalysisSettings Settings { get; init; }
}

/// <summary>One frame from its receipt to its outcome.</summary>
internal sealed class SessionFrame : SessionItem
{
    private FrameInput? _input;
    private RoomLease? _room;
    private bool _mayBeRead;

    /// <summary>The server's number within the session.</summary>
    public ulong Sequence { get; set; }

    /// <summary>The client's number.</summary>
    public required ulong FrameId { get; init; }

    public CaptureTime? CaptureTime { get; init; }

    /// <summary>Timestamp of the receipt.</summary>
    public required long ReceivedAt { get; init; }

    /// <summary>Age from which its outcome is of no use to the client; null: never.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Its trace; null: it has none.</summary>
    public FrameSpan? Span { get; init; }

    /// <summary>In force when it was received.</summary>
    public required AnalysisSettings Settings { get; init; }

    /// <summary>Keeps the bytes of the message alive until <see cref="ReleaseBytes"/>.</summary>
    public FrameInput Input
    {
        get => _input ?? throw new UnreachableException($"Frame {Sequence} gave its bytes back.");
        init => _input = value;
    }

    /// <summary>How many bytes it came with.</summary>
    public int ReceivedBytes { get; set; }

    /// <summary>Takes over what the bytes count against.</summary>
    public void Charge(RoomLease room) => _room = room;

    /// <summary>Somebody may read the bytes whatever becomes of the frame: their memory is not used again.</summary>
    public void KeepBytes() => _mayBeRead = true;

    /// <summary>The bytes are no longer needed.</summary>
    public void ReleaseBytes()
    {
        if (_input is { } input && !_mayBeRead)
        {
            PictureBytes.Release(input.Data);
        }

        _input = null;
        _room?.Dispose();
    }
}
