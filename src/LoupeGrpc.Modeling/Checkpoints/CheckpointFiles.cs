using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Checkpoints.PyTorch;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Opens weights by what a folder holds and what a file's first bytes say it is.</summary>
internal static class CheckpointFiles
{
    private const int TarMagicOffset = 257;
    private const int SniffedBytes = TarMagicOffset + 5;

    /// <param name="path">A file of weights, the index of one in shards, or a folder with either.</param>
    /// <exception cref="CheckpointException">It cannot be read, is damaged, of another kind, or refused.</exception>
    internal static ITensorFile Open(string path)
    {
        var file = Directory.Exists(path) ? CheckpointFolder.Find(path) : CheckpointFolder.CheckRanks(path);
        return ShardIndex.IsNameOfOne(file) ? ShardedTensorFile.Open(file) : OpenSingle(file);
    }

    /// <summary>Opens a file that holds the tensors itself.</summary>
    /// <exception cref="CheckpointException">The file cannot be read, is damaged, of another kind, or refused.</exception>
    internal static ITensorFile OpenSingle(string path)
    {
        try
        {
            return IsSafetensors(path) ? new SafetensorsTensorFile(path) : TorchArchive.Open(path);
        }
        catch (SafetensorsException exception)
        {
            throw new CheckpointException(exception.Message, exception);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CheckpointException.InFile(path, "there is no such file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.InFile(path, $"cannot be read: {exception.Message}", exception);
        }
    }

    /// <exception cref="CheckpointException">It is neither that nor the other form that is read.</exception>
    private static bool IsSafetensors(string path)
    {
        var start = ReadStart(path);
        if (start.AsSpan().StartsWith("PK"u8))
        {
            return false;
        }

        if (start.AsSpan().StartsWith("version https://git-lfs"u8))
        {
            throw CheckpointException.InFile(path, "a git-lfs pointer, not the weights themselves: run 'git lfs pull'");
        }

        // A header length, then JSON. A damaged one is told apart by its name, for a better message.
        if (start is [_, _, _, _, _, _, _, _, (byte)'{', ..] || Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        throw CheckpointException.InFile(path, start switch
        {
            [0x80, <= 5, ..] => "a bare pickle, as torch.save wrote before PyTorch 1.6: load it and save it again with a newer one, or as safetensors",
            _ when start.Length == SniffedBytes && start.AsSpan(TarMagicOffset).SequenceEqual("ustar"u8)
                => "a tar archive, as the first versions of PyTorch wrote: load it and save it again with a newer one, or as safetensors",
            _ => "neither safetensors nor a PyTorch checkpoint",
        });
    }

    private static byte[] ReadStart(string path)
    {
        // Asked before it is opened: opening a named pipe would wait for somebody to write into it.
        if (new FileInfo(path) is { Exists: true, Length: 0 })
        {
            throw CheckpointException.InFile(path, "the file is empty");
        }

        using var file = RandomAccessFile.Open(path);
        var start = new byte[Math.Min(SniffedBytes, file.Length)];
        file.Read(0, start);
        return start;
    }
}
