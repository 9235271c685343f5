using System.Diagnostics;
using System.Globalization;

namespace LoupeGrpc.Benchmarks;

/// <summary>A server that prints a line which begins with <c>ready URL</c>, and what it and the processes that it started have taken of the machine.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>Of <c>/proc</c>, on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    private readonly Process _process;

    private ServerProcess(Process process, string[] ready)
    {
        _process = process;
        Ready = ready;
        Address = new Uri(ready[1]);
    }

    /// <summary>The words of its line.</summary>
    public IReadOnlyList<string> Ready { get; }

    public Uri Address { get; }

    /// <summary>Seconds that it and its children have computed.</summary>
    public double ProcessorTime => Family().Sum(static stat => (Number(stat[11]) + Number(stat[12])) / TicksPerSecond);

    /// <summary>That it and its children have in memory; what several of them share counts once for each.</summary>
    public long ResidentBytes => Family().Sum(static stat => (long)Number(stat[21]) * Environment.SystemPageSize);

    /// <exception cref="InvalidOperationException">It ends without that line.</exception>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo start, CancellationToken cancellationToken)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        var process = Process.Start(start)!;
        var log = process.StandardError.ReadToEndAsync(CancellationToken.None);
        return await process.StandardOutput.ReadLineAsync(cancellationToken) is { } ready && ready.Split(' ') is ["ready", _, ..] words
            ? new ServerProcess(process, words)
            : throw new InvalidOperationException($"{start.FileName} does not start:\n{await log}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private IEnumerable<string[]> Family()
    {
        var id = _process.Id.ToString(CultureInfo.InvariantCulture);
        return Directory.EnumerateDirectories("/proc").Select(static folder => Path.GetFileName(folder)).Where(static name => name.All(char.IsAsciiDigit))
            .Select(static name => (Id: name, Stat: Stat(name)))
            .Where(one => one.Stat is not null && (one.Id == id || one.Stat[1] == id))
            .Select(static one => one.Stat!);
    }

    /// <summary>What stands behind the name in <c>/proc/ID/stat</c>; null where the process has ended.</summary>
    private static string[]? Stat(string id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
