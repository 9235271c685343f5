using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.Server.Logs;

/// <summary>
/// A JSON object for each message, on a line: <c>time</c>, <c>level</c>, <c>category</c>, <c>event</c>, <c>message</c>, <c>fields</c> with the values that stand in the
/// message, and <c>exception</c>, <c>trace_id</c> and <c>span_id</c> where there are any.
/// </summary>
internal sealed class LogJsonFormatter(TimeProvider time) : LogFormatter(FormatterName, time)
{
    public const string FormatterName = "json-line";

    /// <summary>How the framework names the message before its values were put in.</summary>
    private const string Template = "{OriginalFormat}";

    protected override void WriteLeftOut(TextWriter output, LogKind kind, string message) => Write(output, LogLevel.Warning, kind, json => LogJson.WriteText(json, "message", message));

    protected override void WriteEntry<TState>(TextWriter output, in LogEntry<TState> entry, LogKind kind, string message)
    {
        var (fields, exception) = (entry.State as IReadOnlyCollection<KeyValuePair<string, object?>> ?? [], entry.Exception);
        Write(output, entry.LogLevel, kind, json =>
        {
            LogJson.WriteText(json, "message", message);
            json.WriteStartObject("fields"u8);
            foreach (var (name, value) in fields.Where(static field => field.Key != Template).DistinctBy(static field => field.Key))
            {
                LogJson.WriteField(json, name, value);
            }

            json.WriteEndObject();
            if (exception is not null)
            {
                LogJson.WriteText(json, "exception", exception.ToString());
            }
        });
    }

    private void Write(TextWriter output, LogLevel level, LogKind kind, Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, LogJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("time"u8, TimeText);
            json.WriteString("level"u8, level.ToString());
            json.WriteString("category"u8, kind.Category);
            json.WriteNumber("event"u8, kind.Event);
            content(json);
            if (Activity.Current is { } span)
            {
                json.WriteString("trace_id"u8, span.TraceId.ToHexString());
                json.WriteString("span_id"u8, span.SpanId.ToHexString());
            }

            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
