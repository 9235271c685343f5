using System.Threading.Channels;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Files;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>
/// Events that were not delivered yet, in order, in a file of one process at a time. An event is on the disk when <see cref="Add"/> returns; what is delivered has a
/// line that says so. Where the disk takes nothing, events wait in memory. Thread-safe, for one reader.
/// </summary>
internal sealed class Outbox : IDisposable
{
    /// <summary>With a mask of any picture that a server takes.</summary>
    public const int MaxEventBytes = 16 << 20;

    /// <summary>What waits in memory while the disk is full.</summary>
    private const long MaxMemoryBytes = 8 << 20;

    private const string SomethingElse = "it holds something else, which stays as it is";

    /// <summary>So much in the file may be done with before it is written anew.</summary>
    private const long MinDoneBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly LinkedList<OutboxEvent> _waiting = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly string _path;
    private readonly long _maxBytes;
    private readonly IDisposable _held;
    private FileStream _file;
    private OutboxEvent? _head;
    private long _storedBytes;
    private long _memoryBytes;
    private long _rewriteAbove = MinDoneBytes;

    private Outbox(string path, long maxBytes, IDisposable held, FileStream file)
    {
        (_path, _maxBytes, _held, _file) = (path, maxBytes, held, file);
    }

    /// <summary>As given.</summary>
    public string Path => _path;

    /// <summary>Events that wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Events that wait and end with this process: the disk did not take them.</summary>
    public int CountInMemory
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count(static waiting => waiting.Bytes is not null);
            }
        }
    }

    /// <summary>Events of this run that were given up since there was no room for all.</summary>
    public long Dropped { get; private set; }

    /// <summary>Lines that were not understood when it was opened; without one that was being written when a program was killed.</summary>
    public int Damaged { get; private set; }

    /// <summary>Why the disk did not take the last event; null: it did.</summary>
    public string? Fault { get; private set; }

    /// <summary>Takes the file for this process, and finds out what waits in it.</summary>
    /// <param name="path">Made where it does not exist, with its folder.</param>
    /// <param name="maxBytes">Of events that wait; the oldest give way. The file takes at most twice that, and a little.</param>
    /// <exception cref="CliException">Another process has it, it is no outbox, or it cannot be written.</exception>
    public static Outbox Open(string path, long maxBytes)
    {
        IDisposable? held = null;
        FileStream? file = null;
        try
        {
            var full = System.IO.Path.GetFullPath(path);
            var folder = Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full) ?? throw new IOException("it is a folder")).FullName;
            if (Directory.Exists(full) || RegularFile.Status(full) is { Kind: not FileKind.Regular })
            {
                throw new IOException("it is not a regular file");
            }

            // Before anything is laid beside it.
            if (File.Exists(full) && !BeginsLikeOne(full))
            {
                throw new IOException(SomethingElse);
            }

            held = FileLock.TryAcquire($"{full}.lock")
                ?? throw CliException.Usage($"the outbox {path} is in use by another process: give this run another --session or --events-outbox");
            AtomicFile.Sweep(folder);
            file = OpenFile(full, FileMode.OpenOrCreate);
            var outbox = new Outbox(path, maxBytes, held, file);
            outbox.Load();
            return outbox;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            file?.Dispose();
            held?.Dispose();
            throw CliException.Usage($"the outbox {path} cannot be used (--events-outbox): {FileErrors.Reason(error)}");
        }
        catch
        {
            file?.Dispose();
            held?.Dispose();
            throw;
        }
    }

    /// <param name="id">Printable ASCII, at most 128.</param>
    /// <param name="json">One line.</param>
    public void Add(string id, ReadOnlyMemory<byte> json)
    {
        lock (_lock)
        {
            if (json.Length > Math.Min(MaxEventBytes, _maxBytes))
            {
                Dropped++;
                return;
            }

            DropWhile(() => _storedBytes + json.Length > _maxBytes, static waiting => waiting.Bytes is null);
            var added = new OutboxEvent(id, json.Length);
            var offset = _file.Length;
            Fault = TryAppend(json, flush: true);
            if (Fault is null)
            {
                added.Offset = offset;
                _storedBytes += added.Length;
            }
            else
            {
                DropWhile(() => _memoryBytes + json.Length > MaxMemoryBytes, static waiting => waiting.Bytes is not null);
                added.Bytes = json.ToArray();
                _memoryBytes += added.Length;
            }

            _waiting.AddLast(added);
            RewriteIfWorthwhile();
        }

        Wake();
    }

    /// <summary>The oldest event and its bytes, which stay until <see cref="Remove"/>; null: none waits.</summary>
    /// <exception cref="IOException">The file can no longer be read.</exception>
    public (OutboxEvent Event, ReadOnlyMemory<byte> Json)? Peek()
    {
        lock (_lock)
        {
            _head = _waiting.First?.Value;
            if (_head is null)
            {
                return null;
            }

            return (_head, ReadAt(_head));
        }
    }

    /// <summary>It need not be sent any more.</summary>
    public void Remove(OutboxEvent done)
    {
        lock (_lock)
        {
            Forget(done);
            _head = null;
            RewriteIfWorthwhile();
        }
    }

    /// <summary>Waits for an event that was added, or for <see cref="Wake"/>.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _signal.Reader.ReadAsync(cancellationToken);

    public void Wake() => _signal.Writer.TryWrite(true);

    public void Dispose()
    {
        lock (_lock)
        {
            _file.Dispose();
            _held.Dispose();
        }
    }

    // Without a buffer: what a full disk did not take would be written once more when the file is closed.
    private static FileStream OpenFile(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);

    private void Load()
    {
        var places = new Dictionary<string, LinkedListNode<OutboxEvent>>(StringComparer.Ordinal);
        var lines = 0;
        long end = 0;
        foreach (var (offset, line) in Lines())
        {
            end = offset + line.Length + 1;
            var parsed = OutboxLine.Parse(line.Span);
            lines++;
            switch (parsed.Kind)
            {
                case OutboxLineKind.Event when !places.ContainsKey(parsed.Id):
                    places.Add(parsed.Id, _waiting.AddLast(new OutboxEvent(parsed.Id, line.Length) { Offset = offset }));
                    _storedBytes += line.Length;
                    break;
                case OutboxLineKind.Done:
                    if (places.Remove(parsed.Id, out var done))
                    {
                        _waiting.Remove(done);
                        _storedBytes -= done.Value.Length;
                    }

                    break;
                case OutboxLineKind.Damaged:
                    Damaged++;
                    break;
            }
        }

        // What a program that was killed, or a full disk, left half written was never taken.
        _file.SetLength(end);
        if (lines == 0 && TryAppend(OutboxLine.Header.ToArray(), flush: true) is { } fault)
        {
            throw new IOException(fault);
        }

        RewriteIfWorthwhile();
    }

    /// <summary>Whether it is empty, or begins with the line of an outbox, of which a program that was killed may have written a part.</summary>
    private static bool BeginsLikeOne(string path)
    {
        using var file = RandomAccessFile.Open(path);
        var begin = new byte[Math.Min(file.Length, OutboxLine.Header.Length + 1)];
        file.Read(0, begin);
        return begin.Length <= OutboxLine.Header.Length ? OutboxLine.Header.StartsWith(begin) : begin.AsSpan().StartsWith(OutboxLine.Header) && begin[^1] == '\n';
    }

    /// <summary>Whole lines, each valid until the next.</summary>
    /// <exception cref="IOException">One is longer than any of an outbox.</exception>
    private IEnumerable<(long Offset, ReadOnlyMemory<byte> Line)> Lines()
    {
        var buffer = new byte[64 << 10];
        long offset = 0;
        var filled = 0;
        while (true)
        {
            var read = RandomAccess.Read(_file.SafeFileHandle, buffer.AsSpan(filled), offset + filled);
            var searched = filled;
            filled += read;
            var begin = 0;
            while (buffer.AsSpan(Math.Max(begin, searched)..filled).IndexOf((byte)'\n') is >= 0 and var found)
            {
                var end = Math.Max(begin, searched) + found;
                yield return (offset + begin, buffer.AsMemory(begin..end));
                begin = end + 1;
            }

            if (read == 0)
            {
                yield break;
            }

            buffer.AsSpan(begin..filled).CopyTo(buffer);
            offset += begin;
            filled -= begin;
            if (filled == buffer.Length)
            {
                if (filled > MaxEventBytes)
                {
                    throw new IOException(SomethingElse);
                }

                Array.Resize(ref buffer, 2 * buffer.Length);
            }
        }
    }

    private byte[] ReadAt(OutboxEvent waiting)
    {
        if (waiting.Bytes is { } bytes)
        {
            return bytes;
        }

        bytes = new byte[waiting.Length];
        for (var read = 0; read < bytes.Length;)
        {
            var more = RandomAccess.Read(_file.SafeFileHandle, bytes.AsSpan(read), waiting.Offset + read);
            read += more > 0 ? more : throw new IOException($"{_path} was cut short by somebody");
        }

        return bytes;
    }

    /// <summary>The oldest give way, without the one that is being sent.</summary>
    private void DropWhile(Func<bool> isFull, Func<OutboxEvent, bool> counts)
    {
        while (isFull() && _waiting.FirstOrDefault(waiting => waiting != _head && counts(waiting)) is { } oldest)
        {
            Dropped++;
            Forget(oldest);
        }
    }

    private void Forget(OutboxEvent done)
    {
        if (!_waiting.Remove(done))
        {
            return;
        }

        if (done.Bytes is not null)
        {
            _memoryBytes -= done.Length;
            return;
        }

        _storedBytes -= done.Length;
        if (_storedBytes > 0)
        {
            // Where it cannot be written, the event is sent once more by the next process.
            TryAppend(OutboxLine.Done(done.Id), flush: false);
        }
        else
        {
            TryCut(OutboxLine.Header.Length + 1);
        }
    }

    /// <returns>Why it was not written; null: it was.</returns>
    private string? TryAppend(ReadOnlyMemory<byte> line, bool flush)
    {
        var end = _file.Length;
        try
        {
            _file.Seek(end, SeekOrigin.Begin);
            _file.Write([.. line.Span, (byte)'\n']);
            _file.Flush(flush);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryCut(end);
            return FileErrors.Reason(error);
        }
    }

    private void TryCut(long length)
    {
        try
        {
            _file.SetLength(length);
        }
        catch (IOException)
        {
            // A line that is not whole is passed over when the file is opened the next time.
        }
    }

    /// <summary>Where most of the file is done with, or the disk takes again what waits in memory.</summary>
    private void RewriteIfWorthwhile()
    {
        if (_file.Length - _storedBytes <= Math.Max(_rewriteAbove, _storedBytes) && (_memoryBytes == 0 || Fault is not null))
        {
            return;
        }

        try
        {
            var full = System.IO.Path.GetFullPath(_path);
            var offsets = new List<long>();
            using (var anew = new AtomicFile(full))
            {
                anew.Content.Write([.. OutboxLine.Header, (byte)'\n']);
                foreach (var waiting in _waiting)
                {
                    offsets.Add(anew.Content.Position);
                    anew.Content.Write([.. ReadAt(waiting), (byte)'\n']);
                }

                anew.Commit();
            }

            var reopened = OpenFile(full, FileMode.Open);
            _file.Dispose();
            _file = reopened;
            foreach (var (waiting, offset) in _waiting.Zip(offsets))
            {
                (waiting.Offset, waiting.Bytes) = (offset, null);
            }

            _storedBytes = _waiting.Sum(static waiting => (long)waiting.Length);
            (_memoryBytes, _rewriteAbove) = (0, MinDoneBytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The file as it is serves too; not before there is much more to gain.
            _rewriteAbove = _file.Length - _storedBytes + MinDoneBytes;
        }
    }
}
