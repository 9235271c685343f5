using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// An adaptation state as bytes that a client may keep and bring back:
/// magic, format version, hash of the model, step, number of parameters, the values (theta, first and second moments; fp32), and the
/// SHA-256 of all that. Little-endian. It is not signed: a client can only change its own session with it.
/// </summary>
internal static class AdaptationSnapshot
{
    /// <summary>The format written and read by this build.</summary>
    public const int FormatVersion = 1;

    private const int HeaderSize = 8 + 4 + SHA256.HashSizeInBytes + 8 + 4;

    private static ReadOnlySpan<byte> Magic => "LOUPETTA"u8;

    /// <param name="modelHash">Hash of the package, 64 hexadecimal digits.</param>
    public static byte[] Write(AdaptationState state, string modelHash) => Write(state.Values, state.Step, modelHash);

    /// <param name="values">Theta, first and second moments.</param>
    /// <param name="modelHash">Hash of the package, 64 hexadecimal digits.</param>
    public static byte[] Write(ReadOnlySpan<float> values, long step, string modelHash)
    {
        var bytes = MemoryMarshal.AsBytes(values);
        byte[] snapshot = new byte[HeaderSize + bytes.Length + SHA256.HashSizeInBytes];
        var span = snapshot.AsSpan();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], FormatVersion);
        Convert.FromHexString(modelHash).CopyTo(span[12..]);
        BinaryPrimitives.WriteInt64LittleEndian(span[44..], step);
        BinaryPrimitives.WriteInt32LittleEndian(span[52..], values.Length / 3);
        bytes.CopyTo(span[HeaderSize..]);
        SHA256.HashData(span[..^SHA256.HashSizeInBytes], span[^SHA256.HashSizeInBytes..]);
        return snapshot;
    }

    /// <summary>Brings a snapshot back. Whatever is wrong with it, the state stays as it was.</summary>
    /// <param name="problem">What is wrong, for people.</param>
    public static bool TryRestore(
        ReadOnlySpan<byte> snapshot, AdaptationState state, string modelHash, [NotNullWhen(false)] out string? problem)
    {
        if (!TryRead(snapshot, state.Layout, modelHash, out var values, out long step, out problem))
        {
            return false;
        }

        state.Restore(values, step);
        return true;
    }

    /// <summary>What a snapshot holds, where it fits the model.</summary>
    /// <param name="values">Theta, first and second moments: a view of the snapshot.</param>
    /// <param name="problem">What is wrong, for people.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> snapshot, ThetaLayout layout, string modelHash, out ReadOnlySpan<float> values, out long step, [NotNullWhen(false)] out string? problem)
    {
        problem = Check(snapshot, layout, modelHash);
        values = problem is null ? MemoryMarshal.Cast<byte, float>(snapshot[HeaderSize..^SHA256.HashSizeInBytes]) : [];
        step = problem is null ? BinaryPrimitives.ReadInt64LittleEndian(snapshot[44..]) : 0;
        return problem is null;
    }

    private static string? Check(ReadOnlySpan<byte> snapshot, ThetaLayout layout, string modelHash)
    {
        if (snapshot.Length < HeaderSize + SHA256.HashSizeInBytes || !snapshot.StartsWith(Magic))
        {
            return "this is not an adaptation snapshot";
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(snapshot[8..]);
        if (version != FormatVersion)
        {
            return $"the snapshot has format version {version}; this server reads version {FormatVersion}";
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(snapshot[..^SHA256.HashSizeInBytes], digest);
        if (!digest.SequenceEqual(snapshot[^SHA256.HashSizeInBytes..]))
        {
            return "the snapshot is damaged: its checksum does not match its content";
        }

        string model = Convert.ToHexStringLower(snapshot.Slice(12, SHA256.HashSizeInBytes));
        if (model != modelHash)
        {
            return $"the snapshot belongs to the model {model[..8]}; this server runs {modelHash[..8]}";
        }

        int parameters = BinaryPrimitives.ReadInt32LittleEndian(snapshot[52..]);
        long step = BinaryPrimitives.ReadInt64LittleEndian(snapshot[44..]);
        var values = snapshot[HeaderSize..^SHA256.HashSizeInBytes];
        if (parameters != layout.Length || values.Length != 3L * layout.Length * sizeof(float))
        {
            return "the snapshot does not fit the model's adapted tensors";
        }

        if (step is < 0 or > AdaptationState.MaxStep)
        {
            return $"the snapshot's step {step} is outside the range 0 to {AdaptationState.MaxStep}";
        }

        return CheckValues(MemoryMarshal.Cast<byte, float>(values), layout);
    }

    /// <summary>The optimiser divides by the roots of the second moments: none may be negative.</summary>
    private static string? CheckValues(ReadOnlySpan<float> values, ThetaLayout layout)
    {
        foreach (string part in (string[])["parameters", "first moments", "second moments"])
        {
            foreach (var tensor in layout.Tensors)
            {
                foreach (float value in values.Slice(tensor.Offset, tensor.Length))
                {
                    if (!float.IsFinite(value))
                    {
                        return $"the snapshot's {part} of {tensor.Name} hold values that are not finite";
                    }

                    if (value < 0 && part == "second moments")
                    {
                        return $"the snapshot's {part} of {tensor.Name} hold negative values";
                    }
                }
            }

            values = values[layout.Length..];
        }

        return null;
    }
}
