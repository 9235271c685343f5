using System.Text.Json;
using System.Text.Unicode;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>What a line of an outbox is. Somebody may have edited the file, and a disk may have damaged it.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Id">Of the event that it holds, or that is done; empty for other lines.</param>
internal readonly record struct OutboxLine(OutboxLineKind Kind, string Id)
{
    /// <summary>Ids travel in a header of HTTP.</summary>
    private const int MaxIdLength = 128;

    /// <summary>The first line, by which a file is known for an outbox.</summary>
    public static ReadOnlySpan<byte> Header => """{"loupe_outbox":1}"""u8;

    public static OutboxLine Damaged { get; } = new(OutboxLineKind.Damaged, "");

    /// <param name="line">Without its line break.</param>
    public static OutboxLine Parse(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual(Header))
        {
            return new OutboxLine(OutboxLineKind.Header, "");
        }

        try
        {
            return Utf8.IsValid(line) ? ParseObject(line) : Damaged;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return Damaged;
        }
    }

    /// <summary>The line that says that an event need not be sent any more.</summary>
    public static byte[] Done(string id) => JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["done"] = id });

    private static OutboxLine ParseObject(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        string? id = null, done = null, version = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return Damaged;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            var text = reader.TokenType == JsonTokenType.String && name is "id" or "done" or "specversion" ? reader.GetString() : null;
            (id, done, version) = name switch
            {
                "id" => (text, done, version),
                "done" => (id, text, version),
                "specversion" => (id, done, text),
                _ => (id, done, version),
            };
            reader.Skip();
        }

        // Behind the object must be nothing.
        return reader.Read() ? Damaged : (id, done, version) switch
        {
            ({ } own, null, not null) when IsId(own) => new OutboxLine(OutboxLineKind.Event, own),
            (null, { } other, null) when IsId(other) => new OutboxLine(OutboxLineKind.Done, other),
            _ => Damaged,
        };
    }

    private static bool IsId(string id) => id.Length is > 0 and <= MaxIdLength && id.All(static letter => letter is > ' ' and <= '~');
}

internal enum OutboxLineKind
{
    /// <summary>Nothing that this program writes.</summary>
    Damaged,
    Header,

    /// <summary>An event, as it is sent.</summary>
    Event,

    /// <summary>An earlier event need not be sent any more.</summary>
    Done,
}
