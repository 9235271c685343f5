namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The process's arguments byte for byte: .NET has replaced what is not UTF-8, and such a file could not be opened any more.</summary>
internal static class RawArguments
{
    public static string[] Of(string[] args)
    {
        if (!OperatingSystem.IsLinux() || !args.Any(arg => arg.Contains('\uFFFD', StringComparison.Ordinal)))
        {
            return args;
        }

        try
        {
            return Parse(File.ReadAllBytes("/proc/self/cmdline"), args.Length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No /proc: the file is not found, which is said.
            return args;
        }
    }

    /// <param name="commandLine">Arguments with a zero byte behind each, those of the .NET host before ours.</param>
    /// <param name="count">Ours.</param>
    public static string[] Parse(ReadOnlySpan<byte> commandLine, int count)
    {
        var all = new List<string>();
        foreach (var range in commandLine[..^1].Split((byte)0))
        {
            all.Add(PathText.FromBytes(commandLine[..^1][range]));
        }

        return [.. all.TakeLast(count)];
    }
}
