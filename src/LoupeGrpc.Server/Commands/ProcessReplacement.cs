using System.Collections;
using System.Runtime.InteropServices;

namespace LoupeGrpc.Server.Commands;

/// <summary>Puts another program in the place of this one, in the same process: signals, streams and exit codes are its own from then on.</summary>
internal static class ProcessReplacement
{
    /// <param name="program">Full path.</param>
    /// <param name="arguments">The program's name first.</param>
    /// <param name="variables"><c>NAME=VALUE</c>, beside those of this program or in their place.</param>
    /// <returns>Why it did not come to that; otherwise it does not return.</returns>
    public static string To(string program, IEnumerable<string> arguments, IEnumerable<string> variables)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(
            static entry => (string)entry.Key, static entry => (string?)entry.Value ?? string.Empty, StringComparer.Ordinal);
        foreach (var variable in variables)
        {
            var end = variable.IndexOf('=', StringComparison.Ordinal);
            environment[variable[..end]] = variable[(end + 1)..];
        }

        _ = Execute(program, [.. arguments, null], [.. environment.Select(static variable => $"{variable.Key}={variable.Value}"), null]);
        return Marshal.GetLastPInvokeErrorMessage();
    }

    // Both lists end with null, as the system wants them. LPStr is UTF-8 here, and LPUTF8Str is not known in lists.
    [DllImport("libc", EntryPoint = "execve", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Execute(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string program,
        [MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] arguments,
        [MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] environment);
}
