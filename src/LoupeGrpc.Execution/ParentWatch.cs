using System.Diagnostics;

namespace LoupeGrpc.Execution;

/// <summary>
/// Ends a process with the one that started it, however that one ends. The starter gives it a pipe as standard input and never closes its end: the
/// kernel does, SIGKILL included. (A death signal of Linux would come when the thread that started it ends, which in .NET is any time.)
/// </summary>
public static class ParentWatch
{
    /// <summary>Asks the verb <c>compile</c> of <see cref="ExecutionHost.Program"/> for it; <c>try-provider</c> does so by itself.</summary>
    public const string Option = "--end-with-input";

    /// <summary>Reads until the end of the input and ends this process then, in the middle of whatever it does.</summary>
    /// <param name="input">Standard input, which nobody else reads from now on.</param>
    public static void Begin(TextReader input) => new Thread(() =>
    {
        var buffer = new char[256];
        while (input.Read(buffer, 0, buffer.Length) > 0)
        {
        }

        // At once: an orderly end may wait for a provider's library for ever.
        Process.GetCurrentProcess().Kill();
    })
    { IsBackground = true, Name = "parent watch" }.Start();
}
