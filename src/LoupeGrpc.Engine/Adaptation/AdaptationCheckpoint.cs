using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// Everything that decides how a session adapts on, as bytes for another server: its states as <see cref="AdaptationSnapshot"/> writes them, what the guard has seen,
/// and how far the session has counted. Whole when it was written with the states to roll back to; without them only rolling back to a step is lost.
/// Of the server itself: a client never has it.
/// </summary>
internal static class AdaptationCheckpoint
{
    /// <summary>The format written and read by this build.</summary>
    public const int FormatVersion = 1;

    /// <summary>More states to roll back to than any session keeps.</summary>
    private const int MaxHistory = 64;

    private static ReadOnlySpan<byte> Magic => "LOUPECKP"u8;

    public static byte[] Write(AdaptationMemory memory, string modelHash)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(FormatVersion);
            WriteState(writer, memory.State, modelHash);
            writer.Write(memory.Frozen);
            writer.Write(memory.FramesSeen);
            writer.Write(memory.MasksSeen);
            writer.Write(memory.LastLoss);
            writer.Write(memory.Guard.LastForged);
            writer.Write(memory.Guard.SameLabel);
            WriteLosses(writer, memory.Guard.ForgedLosses);
            WriteLosses(writer, memory.Guard.AuthenticLosses);
            writer.Write(memory.Guard.Trusted is not null);
            if (memory.Guard.Trusted is { } trusted)
            {
                WriteState(writer, trusted, modelHash);
            }

            WriteBytes(writer, memory.LastSnapshot);
            writer.Write(memory.History.Count);
            foreach (var state in memory.History)
            {
                WriteState(writer, state, modelHash);
            }
        }

        return stream.ToArray();
    }

    /// <param name="layout">Of the model that is to go on with it.</param>
    /// <param name="problem">What is wrong, for people.</param>
    public static bool TryRead(
        ReadOnlyMemory<byte> checkpoint, ThetaLayout layout, string modelHash, [NotNullWhen(true)] out AdaptationMemory? memory, [NotNullWhen(false)] out string? problem)
    {
        memory = null;
        if (!checkpoint.Span.StartsWith(Magic))
        {
            problem = "this is not an adaptation checkpoint";
            return false;
        }

        using var stream = new MemoryStream(checkpoint[Magic.Length..].ToArray(), writable: false);
        using var reader = new BinaryReader(stream, Encoding.UTF8);
        try
        {
            var version = reader.ReadInt32();
            if (version != FormatVersion)
            {
                problem = $"the adaptation checkpoint has format version {version}; this server reads version {FormatVersion}";
                return false;
            }

            memory = Read(reader, layout, modelHash);
            problem = stream.Position == stream.Length ? null : "the adaptation checkpoint is longer than what it holds";
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            problem = exception is InvalidDataException ? exception.Message : "the adaptation checkpoint ends too early";
        }

        return problem is null;
    }

    private static AdaptationMemory Read(BinaryReader reader, ThetaLayout layout, string modelHash)
    {
        var state = ReadState(reader, layout, modelHash);
        var (frozen, frames, masks, loss) = (reader.ReadBoolean(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadSingle());
        var (lastForged, sameLabel) = (reader.ReadBoolean(), reader.ReadInt32());
        Require(frames >= 0 && masks >= 0 && sameLabel >= 0, "the adaptation checkpoint has counts below zero");
        var (forged, authentic) = (ReadLosses(reader), ReadLosses(reader));
        var trusted = reader.ReadBoolean() ? ReadState(reader, layout, modelHash) : null;
        var snapshot = ReadBytes(reader);
        if (snapshot.Length > 0)
        {
            Take(snapshot, layout, modelHash);
        }

        var count = reader.ReadInt32();
        Require(count is >= 0 and <= MaxHistory, $"the adaptation checkpoint claims {count} states to roll back to");
        List<SavedState> history = [];
        for (var i = 0; i < count; i++)
        {
            history.Add(ReadState(reader, layout, modelHash));
        }

        return new AdaptationMemory(
            state, frozen, frames, masks, loss, new GuardMemory(lastForged, sameLabel, forged, authentic, trusted), snapshot.Length > 0 ? snapshot : null, history);
    }

    private static void WriteState(BinaryWriter writer, SavedState state, string modelHash) =>
        WriteBytes(writer, AdaptationSnapshot.Write(state.Values, state.Step, modelHash));

    private static SavedState ReadState(BinaryReader reader, ThetaLayout layout, string modelHash) => Take(ReadBytes(reader), layout, modelHash);

    private static SavedState Take(ReadOnlySpan<byte> snapshot, ThetaLayout layout, string modelHash) =>
        AdaptationSnapshot.TryRead(snapshot, layout, modelHash, out var values, out var step, out var problem)
            ? new SavedState(step, values.ToArray())
            : throw new InvalidDataException(problem);

    private static void WriteLosses(BinaryWriter writer, IReadOnlyList<float> losses)
    {
        writer.Write(losses.Count);
        foreach (var loss in losses)
        {
            writer.Write(loss);
        }
    }

    private static float[] ReadLosses(BinaryReader reader)
    {
        var count = reader.ReadInt32();
        Require(count is >= 0 and <= AdaptationGuard.LossWindow, $"the adaptation checkpoint claims {count} losses of the guard's {AdaptationGuard.LossWindow}");
        var losses = new float[count];
        for (var i = 0; i < count; i++)
        {
            losses[i] = reader.ReadSingle();
        }

        return losses;
    }

    private static void WriteBytes(BinaryWriter writer, byte[]? bytes)
    {
        writer.Write(bytes?.Length ?? 0);
        writer.Write(bytes ?? []);
    }

    private static byte[] ReadBytes(BinaryReader reader)
    {
        var length = reader.ReadInt32();
        Require(length >= 0 && length <= reader.BaseStream.Length - reader.BaseStream.Position, "the adaptation checkpoint ends too early");
        return reader.ReadBytes(length);
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new InvalidDataException(problem);
        }
    }
}

/// <summary>What <see cref="AdaptationSession"/> remembers beside its settings. A copy: it does not change with the session.</summary>
/// <param name="LastSnapshot">Null: none was taken.</param>
/// <param name="History">States to roll back to, oldest first.</param>
internal sealed record AdaptationMemory(
    SavedState State, bool Frozen, long FramesSeen, long MasksSeen, float LastLoss, GuardMemory Guard, byte[]? LastSnapshot, IReadOnlyList<SavedState> History);

/// <summary>What <see cref="AdaptationGuard"/> remembers.</summary>
/// <param name="ForgedLosses">Oldest first.</param>
/// <param name="AuthenticLosses">Oldest first.</param>
internal sealed record GuardMemory(bool LastForged, int SameLabel, IReadOnlyList<float> ForgedLosses, IReadOnlyList<float> AuthenticLosses, SavedState? Trusted);

/// <summary>Theta, first and second moments after a number of steps.</summary>
internal sealed record SavedState(long Step, float[] Values);
