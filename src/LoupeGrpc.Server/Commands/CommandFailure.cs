using LoupeGrpc.Engine;
using LoupeGrpc.Launch;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Server.Commands;

/// <summary>What ends a command that its own code does not expect: the machine around it, or a fault of ours.</summary>
internal static class CommandFailure
{
    /// <summary>A sentence where the machine is at fault; with the stack trace where we are.</summary>
    public static string Explain(Exception exception) => exception switch
    {
        OutputException output => output.Message,
        ModelLoadException => $"{FirstLine(exception.Message)}{MemoryLimit()}",
        ListenException or AddressSpaceException => exception.Message,
        _ when ModelConversion.IsExpected(exception) => exception.Message,
        OutOfMemoryException or TaskSchedulerException { InnerException: OutOfMemoryException } => $"out of memory{MemoryLimit()}",
        TypeInitializationException { InnerException: DllNotFoundException library } => Explain(library),
        DllNotFoundException library => $"{Missing(library)}{MemoryLimit()}",
        IOException or UnauthorizedAccessException when IsWithoutFolder() => "the current directory is gone: change to another one first",
        IOException or UnauthorizedAccessException => exception.Message,
        OnnxRuntimeException => $"ONNX Runtime: {exception.Message}{MemoryLimit()}",
        _ => $"internal error: {exception}",
    };

    /// <summary>
    /// Its first sentence, behind which it tells how to look for the reason; and the reason, where it is a library that ours links. The other lines are places
    /// where ours was looked for.
    /// </summary>
    private static string Missing(DllNotFoundException exception)
    {
        const string NotThere = ": cannot open shared object file";
        var linked = exception.Message.Split('\n')
            .Where(static line => line.Contains(NotThere, StringComparison.Ordinal))
            .Select(static line => line[..line.IndexOf(NotThere, StringComparison.Ordinal)].Trim())
            .FirstOrDefault(static name => !name.Contains('/', StringComparison.Ordinal) && !name.Contains("loupe", StringComparison.Ordinal));
        var sentence = exception.Message.Split(". ")[0];
        return linked is null ? sentence : $"{sentence}: {linked} is missing. On Debian everything comes with: apt-get install libhwy1 libgtk-3-0 libdrm2 libatomic1";
    }

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd('\r', ' ', ':');

    /// <summary>The likely reason, where there is one.</summary>
    private static string MemoryLimit() => ProcessLimits.AddressSpace is { } bytes
        ? $". The address space of this process is limited to {bytes >> 20} MiB, which may be too little: remove the limit with 'ulimit -v unlimited'"
        : string.Empty;

    private static bool IsWithoutFolder()
    {
        try
        {
            return !Directory.Exists(Directory.GetCurrentDirectory());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
