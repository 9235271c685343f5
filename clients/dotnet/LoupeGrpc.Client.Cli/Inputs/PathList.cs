using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>The list of `--files-from`: paths byte for byte, since a name may begin or end with spaces, and need not be UTF-8.</summary>
internal static class PathList
{
    /// <param name="list">A file, which may be a pipe; `-` is standard input.</param>
    /// <param name="isNull">Each path ends with a zero byte instead of a line break.</param>
    /// <param name="host">The process. Its interruption ends waiting for the list.</param>
    /// <exception cref="CliException">The list cannot be read.</exception>
    public static async Task<IReadOnlyList<string>> ReadAsync(string list, bool isNull, CliHost host)
    {
        try
        {
            // Neither opening a pipe nor reading from it can be canceled; who gives up leaves it behind.
            return Parse(await Task.Run(() => Read(list, host), CancellationToken.None).WaitAsync(host.Interrupt), isNull);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--files-from {list}: {error.Message}");
        }
    }

    public static IReadOnlyList<string> Parse(ReadOnlySpan<byte> list, bool isNull)
    {
        var paths = new List<string>();
        var separator = isNull ? (byte)0 : (byte)'\n';
        foreach (var range in list.Split(separator))
        {
            var path = list[range];
            if (!isNull && path.EndsWith("\r"u8))
            {
                // Lists from Windows.
                path = path[..^1];
            }

            if (!path.IsEmpty)
            {
                paths.Add(PathText.FromBytes(path));
            }
        }

        return paths;
    }

    private static byte[] Read(string list, CliHost host)
    {
        using var file = list == "-" ? null : new FileStream(list, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        (file ?? host.Input).CopyTo(bytes);
        return bytes.ToArray();
    }
}
