using System.Globalization;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A picture file, sent as it is.</summary>
internal sealed class FileItem : SourceItem
{
    /// <summary>Where to read; <see cref="SourceItem.Path"/> may be the folder it is a frame of.</summary>
    public required string File { get; init; }

    /// <summary>Opens <see cref="File"/>; tests give another.</summary>
    public Func<string, Stream> Open { get; init; } = RegularFile.Open;

    /// <summary>What the file was when its bytes were read; null before.</summary>
    public FileStatus? StatusWhenRead { get; private set; }

    /// <summary>A disk that does not answer holds up a thread, and not the one who gives up waiting.</summary>
    public override async ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken)
    {
        try
        {
            var data = await Task.Run(() => Read(limits.MaxFrameBytes, cancellationToken), CancellationToken.None).WaitAsync(cancellationToken);
            return data is null
                ? Failed(frameId, LoupeFailureCode.TooLarge, string.Create(CultureInfo.InvariantCulture, $"the file is larger than {limits.MaxFrameBytes / (1024.0 * 1024.0):0.##} MiB (Loupe:Limits:MaxFrameBytes on the server)"))
                : new LoadedItem(new EncodedFrame(data) { FrameId = frameId, CaptureTime = CaptureTime }, null);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return Failed(frameId, LoupeFailureCode.NotFound, "there is nothing at this path");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Failed(frameId, LoupeFailureCode.Unreadable, $"the file cannot be read: {error.Message}");
        }
    }

    /// <returns>Null when there is more than the limit, which also ends files that grow while they are read.</returns>
    private byte[]? Read(ulong limit, CancellationToken cancellationToken)
    {
        var most = limit == 0 ? Array.MaxLength : (long)Math.Min(limit, (ulong)Array.MaxLength);
        // Before the first byte: a change while it is read must not pass for what was read.
        StatusWhenRead = RegularFile.Status(File);
        using var stream = Open(File);
        if (stream.CanSeek && stream.Length > most)
        {
            return null;
        }

        using var data = new MemoryStream(stream.CanSeek ? (int)stream.Length : 0);
        var buffer = new byte[128 * 1024];
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (data.Length + read > most)
            {
                return null;
            }

            data.Write(buffer, 0, read);
        }

        return data.Length == data.Capacity ? data.GetBuffer() : data.ToArray();
    }

    private static LoadedItem Failed(ulong frameId, LoupeFailureCode code, string message) =>
        new(null, new LoupeFailed { FrameId = frameId, Index = (long)frameId, Code = code, Message = message });
}
