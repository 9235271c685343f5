using LoupeGrpc.Server.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Logs;

public sealed class LogLineFormatterTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly LogLineFormatter _formatter;

    public LogLineFormatterTests() => _formatter = new LogLineFormatter(_time);

    [Fact]
    public void A_message_is_one_line_whatever_is_in_it() =>
        Assert.Equal(
            $"2026-01-02T03:04:05.000Z info: Calls[150] a b\uFFFD[2J\uFFFDgnp{Environment.NewLine}", Write(150, LogLevel.Information, "a\nb\u001b[2J\u202egnp"));

    [Fact]
    public void A_kind_that_comes_too_often_is_silenced_counted_and_heard_again()
    {
        const int Lines = LogFlood.LinesPerMinute + 25;
        Assert.Equal(LogFlood.LinesPerMinute, Enumerable.Range(0, Lines).Count(_ => Write(150, LogLevel.Information).Length > 0));
        // The others are not.
        Assert.NotEmpty(Write(151, LogLevel.Error));
        Assert.NotEmpty(Write(150, LogLevel.Error, category: "Sessions"));

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(
            [
                "2026-01-02T03:05:05.000Z warn: Calls[150] 25 more lines of this kind were left out; 600 a minute are written.",
                "2026-01-02T03:05:05.000Z fail: Calls[151] text",
            ],
            Write(151, LogLevel.Error).TrimEnd().Split(Environment.NewLine));
        Assert.DoesNotContain("left out", Write(150, LogLevel.Information), StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_that_comes_slowly_is_never_silenced()
    {
        for (var line = 0; line < 3 * LogFlood.LinesPerMinute; line++)
        {
            Assert.NotEmpty(Write(150, LogLevel.Information));
            _time.Advance(TimeSpan.FromSeconds(0.11));
        }
    }

    [Fact]
    public void Who_asks_for_traces_gets_them() =>
        Assert.All(Enumerable.Range(0, 2 * LogFlood.LinesPerMinute), _ => Assert.NotEmpty(Write(150, LogLevel.Debug)));

    private string Write(int id, LogLevel level, string text = "text", string category = "Calls")
    {
        using var writer = new StringWriter();
        _formatter.Write(new LogEntry<string>(level, category, new EventId(id), text, null, static (state, _) => state), null, writer);
        return writer.ToString();
    }
}
