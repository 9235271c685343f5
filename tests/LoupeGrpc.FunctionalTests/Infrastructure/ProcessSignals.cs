using System.Diagnostics;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

internal static class ProcessSignals
{
    /// <summary>Sends a signal by its name, e.g. <c>TERM</c>.</summary>
    public static async Task SignalAsync(this Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, kill.ExitCode);
    }
}
