using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Logs;

/// <summary>The file of the audit log, and those that it was before: <c>FILE.1</c> is the youngest. Together they take no more than is set. For one writer.</summary>
internal sealed class AuditFile(AuditOptions options) : IDisposable
{
    /// <summary>The file and those before it.</summary>
    private const int Files = 4;

    private FileStream? _file;

    /// <summary>The system says of folders that access to them is denied.</summary>
    public bool IsFolder => Directory.Exists(options.File);

    /// <summary>Where it is missing, so are its folders made; only the server's own user may read it.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.File))!);
        var how = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        _file = new FileStream(options.File, how);
        if (_file.Length > 0 && !EndsLine())
        {
            // The process was ended within a line.
            _file.WriteByte((byte)'\n');
        }
    }

    /// <summary>Whole lines.</summary>
    /// <exception cref="IOException">Nothing of them counts as written; a part may be.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        if (_file is null)
        {
            Open();
        }

        if (_file!.Length > 0 && _file.Length + lines.Length > options.MaxBytes / Files)
        {
            Rotate();
        }

        var begin = _file.Length;
        try
        {
            _file.Write(lines);
        }
        catch
        {
            Undo(begin);
            throw;
        }
    }

    /// <summary>The next line goes to the file that has the name then: somebody may have moved this one away.</summary>
    public void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    public void Dispose() => Close();

    private static string Earlier(string file, int age) => age == 0 ? file : $"{file}.{age}";

    private void Rotate()
    {
        Close();
        for (var age = Files - 1; age > 0; age--)
        {
            if (File.Exists(Earlier(options.File, age - 1)))
            {
                File.Move(Earlier(options.File, age - 1), Earlier(options.File, age), overwrite: true);
            }
        }

        Open();
    }

    private bool EndsLine()
    {
        using var reading = new FileStream(options.File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        reading.Seek(-1, SeekOrigin.End);
        return reading.ReadByte() == '\n';
    }

    /// <summary>A full disk takes half a line.</summary>
    private void Undo(long length)
    {
        try
        {
            _file!.SetLength(length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Opening it again ends the line.
            Close();
        }
    }
}
