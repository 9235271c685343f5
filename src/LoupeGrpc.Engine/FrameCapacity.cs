namespace LoupeGrpc.Engine;

/// <summary>How many frames an engine can make use of at a time. Callers that let no more in choose among the others until the last moment.</summary>
/// <param name="Frames">Of any kind.</param>
/// <param name="Heavy">Of them, those that are (<see cref="FrameInput.IsHeavy"/>).</param>
/// <param name="Urgent">More than <paramref name="Frames"/> where these are (<see cref="AnalysisRequest.IsUrgent"/>): inside they pass those that are not.</param>
public readonly record struct FrameCapacity(int Frames, int Heavy, int Urgent)
{
    public static FrameCapacity operator +(FrameCapacity one, FrameCapacity other) =>
        new(one.Frames + other.Frames, one.Heavy + other.Heavy, one.Urgent + other.Urgent);
}
