using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LoupeGrpc.Server.Logs;

/// <summary>How lines of JSON, of the log and of the audit log, have times and values.</summary>
internal static class LogJson
{
    /// <summary>It is no HTML: quotes and what is not ASCII may stand as they are. Control characters never do.</summary>
    public static JsonWriterOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>In UTC, with milliseconds.</summary>
    public static string TimeText(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>
    /// As <see cref="Utf8JsonWriter.WriteString(string, string)"/>, and characters that nobody sees are escaped too: whoever chose a name could otherwise have a terminal
    /// show the rest of the line in another order.
    /// </summary>
    public static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is null || !value.Any(IsUnseen))
        {
            json.WriteString(name, value);
            return;
        }

        var text = new StringBuilder("\"");
        foreach (var letter in JsonEncodedText.Encode(value, Options.Encoder).Value)
        {
            _ = IsUnseen(letter) ? text.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:X4}") : text.Append(letter);
        }

        json.WritePropertyName(name);
        json.WriteRawValue(text.Append('"').ToString(), skipInputValidation: true);
    }

    /// <summary>A number as one, whatever is neither that nor a flag as text.</summary>
    public static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            case byte or sbyte or short or ushort or int or uint or long:
                json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong number:
                json.WriteNumber(name, number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(name, number);
                break;
            case float number when float.IsFinite(number):
                json.WriteNumber(name, number);
                break;
            default:
                WriteText(json, name, Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static bool IsUnseen(char letter) => char.GetUnicodeCategory(letter) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
