using System.Text.Json.Nodes;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Logs;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Logs;

public sealed class AuditLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-tests-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder, "audit", "audit.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Entries_are_lines_of_json_that_only_the_server_may_read()
    {
        await WriteAsync(new AuditEntry("opened", "key:gate-3", "ipv4:1.2.3.4:5", ("name", "a\nb\u001b[2J"), ("frames", 7UL), ("seconds", 0.25)));

        Assert.Equal(
            """{"time":"2026-01-02T03:04:05.000Z","event":"opened","identity":"key:gate-3","peer":"ipv4:1.2.3.4:5","name":"a\nb\u001B[2J","frames":7,"seconds":0.25}""" + "\n",
            await System.IO.File.ReadAllTextAsync(File, Token));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        }
    }

    [Fact]
    public async Task A_second_run_appends_and_half_a_line_of_a_killed_one_stands_by_itself()
    {
        await WriteAsync(new AuditEntry("opened", "a", "p"));
        await System.IO.File.AppendAllTextAsync(File, "{\"time\":\"20", Token);
        await WriteAsync(new AuditEntry("ended", "a", "p"));

        var lines = await System.IO.File.ReadAllLinesAsync(File, Token);
        Assert.Equal(3, lines.Length);
        Assert.Equal("ended", (string?)JsonNode.Parse(lines[2])!["event"]);
    }

    [Fact]
    public async Task Files_together_take_no_more_than_is_set()
    {
        // 600 of a kind a minute are kept, so they are of many kinds.
        await WriteAsync([.. Enumerable.Range(0, 4000).Select(static i => new AuditEntry($"kind {i}", "somebody", "somewhere", ("number", i)))]);

        var files = new DirectoryInfo(Path.Combine(_folder, "audit")).GetFiles().OrderBy(static file => file.Name, StringComparer.Ordinal).ToList();
        Assert.Equal(["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3"], files.Select(static file => file.Name));
        Assert.InRange(files.Sum(static file => file.Length), 128 << 10, 256 << 10);
        // The youngest last, and nothing missing between them.
        var numbers = files.AsEnumerable().Reverse().SelectMany(static file => System.IO.File.ReadLines(file.FullName)).Select(static line => (int)JsonNode.Parse(line)!["number"]!).ToList();
        Assert.Equal(Enumerable.Range(4000 - numbers.Count, numbers.Count), numbers);
    }

    [Fact]
    public async Task A_flood_of_refusals_leaves_the_others_their_place_and_is_counted()
    {
        using var log = Create();
        log.Open();
        for (var i = 0; i < 5000; i++)
        {
            log.Add(new AuditEntry("refused", string.Empty, "p"));
        }

        log.Add(new AuditEntry("ended", "a", "p"));
        await log.StartAsync(Token);
        await log.StopAsync(Token);

        var entries = (await System.IO.File.ReadAllLinesAsync(File, Token)).Select(static line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(LogFlood.LinesPerMinute, entries.Count(static entry => (string?)entry["event"] == "refused"));
        Assert.Single(entries, static entry => (string?)entry["event"] == "ended");
        Assert.Equal(5000 - LogFlood.LinesPerMinute, entries.Where(static entry => (string?)entry["event"] == "left_out").Sum(static entry => (int)entry["count"]!));
    }

    [Fact]
    public async Task Whoever_is_refused_after_a_flood_is_kept_again()
    {
        using var log = Create();
        log.Open();
        for (var i = 0; i < 5000; i++)
        {
            log.Add(new AuditEntry("refused", string.Empty, "flood"));
        }

        _time.Advance(TimeSpan.FromMinutes(1));
        log.Add(new AuditEntry("refused", string.Empty, "afterwards"));
        await log.StartAsync(Token);
        await log.StopAsync(Token);

        var entries = (await System.IO.File.ReadAllLinesAsync(File, Token)).Select(static line => JsonNode.Parse(line)!).ToList();
        Assert.Single(entries, static entry => (string?)entry["peer"] == "afterwards");
        Assert.Equal(5000 - LogFlood.LinesPerMinute, entries.Where(static entry => (string?)entry["event"] == "left_out").Sum(static entry => (int)entry["count"]!));
    }

    [Fact]
    public async Task A_file_that_was_moved_away_is_made_anew_when_told()
    {
        using var log = Create();
        log.Open();
        await log.StartAsync(Token);
        log.Add(new AuditEntry("opened", "a", "p"));
        await UntilAsync(() => new FileInfo(File) is { Exists: true, Length: > 0 });
        System.IO.File.Move(File, Path.Combine(_folder, "moved"));
        log.Reopen();
        log.Add(new AuditEntry("ended", "a", "p"));
        await log.StopAsync(Token);

        Assert.Contains("opened", await System.IO.File.ReadAllTextAsync(Path.Combine(_folder, "moved"), Token), StringComparison.Ordinal);
        Assert.Contains("ended", await System.IO.File.ReadAllTextAsync(File, Token), StringComparison.Ordinal);
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_told_at_the_start()
    {
        Directory.CreateDirectory(File);
        using var log = Create();

        Assert.Contains("Loupe:Audit:File", Assert.Throws<InvalidDataException>(log.Open).Message, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10, Token);
        }
    }

    private AuditLog Create() =>
        new(new LoupeOptions { Audit = new AuditOptions { File = File, MaxBytes = 256 << 10 } }, _time, NullLogger<AuditLog>.Instance);

    private async Task WriteAsync(params AuditEntry[] entries)
    {
        using var log = Create();
        log.Open();
        foreach (var entry in entries)
        {
            log.Add(entry);
        }

        await log.StartAsync(Token);
        await log.StopAsync(Token);
    }
}
