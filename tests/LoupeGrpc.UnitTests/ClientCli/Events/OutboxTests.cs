using System.Diagnostics;
using System.Text;
using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.Client.Cli.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Events;

public sealed class OutboxTests : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-tests-").FullName;
    private bool _isMounted;

    private string File => Path.Combine(_folder, "events", "gate.outbox");

    public void Dispose()
    {
        if (_isMounted)
        {
            Run("umount", _folder);
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_was_not_removed_is_there_when_it_is_opened_again_in_order()
    {
        using (var outbox = Open())
        {
            Add(outbox, 1, 2, 3);
            outbox.Remove(outbox.Peek()!.Value.Event);
        }

        using var again = Open();

        Assert.Equal(["e2", "e3"], Drain(again));
        Assert.Equal(0, again.Damaged);
    }

    [Fact]
    public void A_file_of_which_all_is_delivered_is_empty()
    {
        using (var outbox = Open())
        {
            Add(outbox, 1, 2, 3);
            Drain(outbox);
        }

        Assert.Equal("{\"loupe_outbox\":1}\n", System.IO.File.ReadAllText(File));
    }

    /// <summary>Whatever byte was the last one to reach the disk.</summary>
    [Fact]
    public void A_file_cut_anywhere_has_every_event_that_is_whole()
    {
        using (var outbox = Open())
        {
            Add(outbox, 1, 2);
            outbox.Remove(outbox.Peek()!.Value.Event);
            Add(outbox, 3);
        }

        var whole = System.IO.File.ReadAllBytes(File);
        for (var length = 0; length <= whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            var text = Encoding.UTF8.GetString(whole[..length]);
            var lines = text[..(text.LastIndexOf('\n') + 1)];
            string[] expected = [.. Enumerable.Range(1, 3).Where(i => lines.Contains(Line(i), StringComparison.Ordinal) && !(i == 1 && lines.Contains("done", StringComparison.Ordinal))).Select(static i => $"e{i}")];

            using (var outbox = Open())
            {
                Assert.Equal(0, outbox.Damaged);
                Add(outbox, 4);
            }

            using var again = Open();
            Assert.Equal([.. expected, "e4"], Drain(again));
        }
    }

    [Fact]
    public void A_damaged_line_costs_no_other()
    {
        using (var outbox = Open())
        {
            Add(outbox, 1, 2, 3);
        }

        System.IO.File.WriteAllText(File, System.IO.File.ReadAllText(File).Replace(Line(2), Line(2).Replace("\"e2", "\0e2", StringComparison.Ordinal), StringComparison.Ordinal));

        using var again = Open();

        Assert.Equal(1, again.Damaged);
        Assert.Equal(["e1", "e3"], Drain(again));
    }

    [Theory]
    [InlineData("root:x:0:0:root:/root:/bin/bash\n")]
    [InlineData("no line break")]
    public void A_file_that_is_something_else_stays_as_it_is(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, text);

        var error = Assert.Throws<CliException>(Open);

        Assert.Equal(ExitCode.WrongUsage, error.ExitCode);
        Assert.Contains("it holds something else", error.Message, StringComparison.Ordinal);
        Assert.Equal(text, System.IO.File.ReadAllText(File));
        Assert.Equal([File], Directory.GetFileSystemEntries(Path.GetDirectoryName(File)!));
    }

    [Fact]
    public void Only_one_has_it()
    {
        using (Open())
        {
            Assert.Contains("in use by another process", Assert.Throws<CliException>(Open).Message, StringComparison.Ordinal);
        }

        Open().Dispose();
    }

    [Fact]
    public void The_oldest_give_way_but_not_the_one_that_is_being_sent()
    {
        using (var outbox = Open(MiB))
        {
            Add(outbox, 1);
            var sending = outbox.Peek()!.Value.Event;
            for (var i = 2; i <= 6; i++)
            {
                outbox.Add($"e{i}", Large(i, 300 << 10));
            }

            Assert.Equal(2, outbox.Dropped);
            Assert.Equal(4, outbox.Count);
            Assert.Equal("e1", sending.Id);
        }

        Assert.InRange(new FileInfo(File).Length, 0, 3 * MiB);
        using var again = Open(MiB);
        Assert.Equal(["e1", "e4", "e5", "e6"], Drain(again));
    }

    [Fact]
    public void A_file_that_is_never_empty_does_not_grow()
    {
        using (var outbox = Open())
        {
            outbox.Add("e0", Large(0, 100 << 10));
            for (var i = 1; i <= 100; i++)
            {
                outbox.Add($"e{i}", Large(i, 100 << 10));
                var (sent, json) = outbox.Peek()!.Value;
                Assert.Equal(Large(i - 1, 100 << 10), json.ToArray());
                outbox.Remove(sent);
            }

            Assert.InRange(new FileInfo(File).Length, 0, 2 * MiB);
        }

        using var again = Open();
        Assert.Equal(["e100"], Drain(again));
    }

    [Fact]
    public void On_a_full_disk_events_wait_in_memory_in_order_and_are_written_when_there_is_room()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root may mount a small disk");
        _isMounted = Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", _folder) == 0;
        Assert.SkipUnless(_isMounted, "no disk can be mounted here");
        var filler = Path.Combine(_folder, "filler");
        using (var outbox = Open())
        {
            Add(outbox, 1);
            Fill(filler);
            outbox.Add("e2", Large(2, 10 << 10));
            Assert.Equal("No space left on device", outbox.Fault);
            // A small one may still find a place in the last page.
            Add(outbox, 3);
            Assert.InRange(outbox.CountInMemory, 1, 2);
            Assert.Equal(3, outbox.Count);
            Assert.Equal(0, outbox.Dropped);

            System.IO.File.Delete(filler);
            Add(outbox, 4);

            Assert.Null(outbox.Fault);
            Assert.Equal(0, outbox.CountInMemory);
        }

        using var again = Open();
        Assert.Equal(0, again.Damaged);
        Assert.Equal(["e1", "e2", "e3", "e4"], Drain(again));
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                file.Write(new byte[512]);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static string Line(int i) => $$"""{"specversion":"1.0","id":"e{{i}}","data":"ü{{i}}"}""";

    private static byte[] Large(int i, int length) => Encoding.UTF8.GetBytes($$"""{"specversion":"1.0","id":"e{{i}}","data":"{{new string((char)('a' + (i % 26)), length)}}"}""");

    private static void Add(Outbox outbox, params int[] numbers)
    {
        foreach (var i in numbers)
        {
            outbox.Add($"e{i}", Encoding.UTF8.GetBytes(Line(i)));
        }
    }

    private static List<string> Drain(Outbox outbox)
    {
        var ids = new List<string>();
        while (outbox.Peek() is { } next)
        {
            Assert.Equal(new OutboxLine(OutboxLineKind.Event, next.Event.Id), OutboxLine.Parse(next.Json.Span));
            ids.Add(next.Event.Id);
            outbox.Remove(next.Event);
        }

        return ids;
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private Outbox Open() => Open(64 * MiB);

    private Outbox Open(long maxBytes) => Outbox.Open(File, maxBytes);
}
