namespace LoupeGrpc.Server.Calibration;

/// <summary>A file that is there whole or not at all. It is made at once, so that one that cannot be written is told before the work. Disposed without <see cref="Publish"/>, nothing is left.</summary>
internal sealed class ReportFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;

    /// <exception cref="IOException">It cannot be written there.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public ReportFile(string path)
    {
        _path = Path.GetFullPath(path);
        if (Directory.Exists(_path))
        {
            throw new IOException($"{_path} is a folder: --report needs the name of a file.");
        }

        _temporary = $"{_path}.{Environment.ProcessId}.new";
        _file = new FileStream(_temporary, FileMode.Create, FileAccess.Write);
    }

    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> content)
    {
        _file.Write(content);
        _file.Flush(flushToDisk: true);
    }

    /// <summary>Puts it in place of what is there.</summary>
    public void Publish()
    {
        _file.Dispose();
        File.Move(_temporary, _path, overwrite: true);
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_temporary);
    }
}
