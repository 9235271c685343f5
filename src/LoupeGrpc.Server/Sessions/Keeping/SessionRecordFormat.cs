using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>
/// A record as bytes: magic, format version, SHA-256 of what follows; then its facts as JSON, the adaptation and the responses, each behind its length. Little-endian.
/// The hash finds accidents. It is no signature: who may write to the store may change sessions.
/// </summary>
internal static class SessionRecordFormat
{
    /// <summary>The format written and read by this build.</summary>
    public const int Version = 1;

    private const int HeaderSize = 8 + 4 + SHA256.HashSizeInBytes;

    private const int MaxResponses = 1 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        // A bound of the guard may be infinite: there is none then.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        MaxDepth = 16,
    };

    private static ReadOnlySpan<byte> Magic => "LOUPESES"u8;

    public static byte[] Write(SessionRecord record)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(stackalloc byte[SHA256.HashSizeInBytes]);
            WriteBytes(writer, JsonSerializer.SerializeToUtf8Bytes(record.Facts, Json));
            WriteBytes(writer, record.Adaptation.Span);
            writer.Write(record.Responses.Count);
            foreach (var response in record.Responses)
            {
                writer.Write((byte)((response.IsAnswer ? 1 : 0) | (response.IsOutcome ? 2 : 0)));
                WriteBytes(writer, response.Message.Span);
            }
        }

        var bytes = stream.ToArray();
        SHA256.HashData(bytes.AsSpan(HeaderSize), bytes.AsSpan(HeaderSize - SHA256.HashSizeInBytes));
        return bytes;
    }

    /// <param name="problem">What is wrong, for people.</param>
    public static bool TryRead(
        ReadOnlyMemory<byte> bytes, IResponseEncoding encoding, [NotNullWhen(true)] out SessionRecord? record, [NotNullWhen(false)] out string? problem)
    {
        record = null;
        problem = Check(bytes.Span);
        if (problem is not null)
        {
            return false;
        }

        try
        {
            using var stream = new MemoryStream(bytes[HeaderSize..].ToArray(), writable: false);
            record = Read(stream, encoding);
            return true;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or JsonException)
        {
            problem = $"the record of the session is damaged: {exception.Message}";
            return false;
        }
    }

    private static string? Check(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize || !bytes.StartsWith(Magic))
        {
            return "what lies under the session's key is no record of a session";
        }

        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        return version != Version
            ? $"the record of the session has format version {version}; this server reads version {Version}"
            : !SHA256.HashData(bytes[HeaderSize..]).AsSpan().SequenceEqual(bytes.Slice(12, SHA256.HashSizeInBytes))
                ? "the record of the session is damaged: its hash does not match its content"
                : null;
    }

    private static SessionRecord Read(MemoryStream stream, IResponseEncoding encoding)
    {
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        var facts = JsonSerializer.Deserialize<SessionFacts>(ReadBytes(reader), Json);
        Require(facts is not null && IsSound(facts), "its facts are out of their ranges");
        var adaptation = ReadBytes(reader);
        var count = reader.ReadInt32();
        Require(count is >= 0 and <= MaxResponses, $"it claims {count} responses");
        List<EncodedResponse> responses = [];
        for (var i = 0; i < count; i++)
        {
            var flags = reader.ReadByte();
            var message = ReadBytes(reader);
            Require(flags <= 3 && encoding.IsResponse(message), "one of its responses is none");
            responses.Add(new EncodedResponse(message, (flags & 1) != 0, (flags & 2) != 0));
        }

        Require(stream.Position == stream.Length, "it is longer than what it holds");
        return new SessionRecord { Facts = facts!, Adaptation = adaptation, Responses = responses };
    }

    private static bool IsSound(SessionFacts facts) =>
        facts is { Settings.MaxResponseBytes: > 0 }
        && Enum.IsDefined(facts.Delivery)
        && (facts.Delivery == Delivery.StalenessBudget) == facts.StalenessBudget is not null
        && facts.StalenessBudget is not { Ticks: <= 0 }
        && facts.Settings.Thresholds.IsValid
        && Enum.IsDefined(facts.Settings.Mask.Policy)
        && Enum.IsDefined(facts.Settings.Mask.Encoding)
        && (facts.Settings.Explain is not { } language || Enum.IsDefined(language))
        && IsSound(facts.Receipts)
        && IsSound(facts.Settings.Temporal, facts.Temporal)
        && facts.Duration >= TimeSpan.Zero
        && IsSound(facts.Adaptation)
        && facts.Tally.DropCauses.Keys.All(Enum.IsDefined) && facts.Tally.Failures.Keys.All(Enum.IsDefined) && facts.Tally.Verdicts.Keys.All(Enum.IsDefined)
        && (!facts.Tally.InSegment || facts.Tally.Timeline.Count > 0)
        && facts.Tally.Timeline.Count <= SessionTally.MaxSegments
        && facts.Tally.Timeline.All(static segment => segment is not null && SessionTimes.IsValid(segment.Start) && SessionTimes.IsValid(segment.End));

    private static bool IsSound(TemporalSettings? settings, TemporalState? state) =>
        settings is null ? state is null : settings.IsValid && state is not null && state.IsValid(settings);

    private static bool IsSound(ReceiptPlace? place) => place is null || (place.Next == 0) == place.Previous is null;

    private static bool IsSound(AdaptationSettings? settings) => settings is null || settings.Validate().Count == 0;

    private static void WriteBytes(BinaryWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader)
    {
        var length = reader.ReadInt32();
        Require(length >= 0 && length <= reader.BaseStream.Length - reader.BaseStream.Position, "it ends too early");
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
