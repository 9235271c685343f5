namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>What runs on this machine, by /proc.</summary>
internal static class SystemProcesses
{
    /// <summary>How many processes have a text in their command lines.</summary>
    /// <param name="text">So special that no other test's have it.</param>
    public static int Count(string text) => Directory.EnumerateDirectories("/proc")
        .Where(folder => Path.GetFileName(folder).All(char.IsAsciiDigit))
        .Count(folder =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(folder, "cmdline")).Contains(text, StringComparison.Ordinal);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It has just ended.
                return false;
            }
        });
}
