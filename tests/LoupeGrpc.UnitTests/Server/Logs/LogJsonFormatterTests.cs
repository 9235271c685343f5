using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Server.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Logs;

public sealed class LogJsonFormatterTests
{
    private readonly LogJsonFormatter _formatter = new(new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));

    [Fact]
    public void A_message_is_one_line_of_json_with_its_values()
    {
        var line = Write("a\nb\u001b[2J \"ü\"", null, new("Name", "x\ny"), new("Count", 7), new("Share", 0.5f), new("Big", ulong.MaxValue), new("Nothing", null), new("{OriginalFormat}", "a"));

        Assert.Equal(1, line.Count(static letter => letter == '\n'));
        Assert.DoesNotContain(line.TrimEnd(), char.IsControl);
        Assert.Equal(
            """{"time":"2026-01-02T03:04:05.000Z","level":"Information","category":"Calls","event":150,"message":"a\nb\u001B[2J \"ü\"","fields":{"Name":"x\ny","Count":7,"Share":0.5,"Big":18446744073709551615,"Nothing":null}}""",
            line.TrimEnd());
    }

    [Fact]
    public void What_has_no_number_is_text_and_a_name_stands_once()
    {
        var fields = JsonNode.Parse(Write("text", null, new("A", float.NaN), new("B", TimeSpan.FromSeconds(1)), new("C", 1), new("C", 2)))!["fields"]!;

        Assert.Equal("""{"A":"NaN","B":"00:00:01","C":1}""", fields.ToJsonString());
    }

    [Fact]
    public void An_exception_stands_beside_the_message() =>
        Assert.Equal("System.InvalidOperationException: why", (string?)JsonNode.Parse(Write("text", new InvalidOperationException("why")))!["exception"]);

    [Fact]
    public void Half_a_surrogate_does_not_break_the_line() =>
        Assert.Equal("x\uFFFD", JsonDocument.Parse(Write("x\ud800", null)).RootElement.GetProperty("message").GetString());

    /// <summary>A name of a certificate or a token may have the rest of its line shown from right to left.</summary>
    [Fact]
    public void What_nobody_sees_is_escaped_and_still_there()
    {
        var line = Write("a\u202eb\"c", null, new KeyValuePair<string, object?>("Name", "x\u2066\n\u200f"));

        Assert.Contains("\"message\":\"a\\u202Eb\\\"c\",\"fields\":{\"Name\":\"x\\u2066\\n\\u200F\"}", line, StringComparison.Ordinal);
        Assert.Equal("a\u202eb\"c", (string?)JsonNode.Parse(line)!["message"]);
    }

    private string Write(string text, Exception? exception, params KeyValuePair<string, object?>[] fields)
    {
        using var writer = new StringWriter();
        _formatter.Write(
            new LogEntry<IReadOnlyList<KeyValuePair<string, object?>>>(LogLevel.Information, "Calls", new EventId(150), fields, exception, (_, _) => text), null, writer);
        return writer.ToString();
    }
}
