using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>A real server, <c>out/loupe-grpc-server</c>, on some of the machine's processors, at ports of its own.</summary>
internal sealed class ReplicaProcess : IAsyncDisposable
{
    /// <summary>Of <c>/proc</c>, on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    private readonly Process _process;

    private ReplicaProcess(Process process, string ready)
    {
        _process = process;
        var parts = ready.Split(' ');
        Grpc = new Uri(parts[1]);
        Operations = new Uri(parts.Single(static part => part.StartsWith("operations=", StringComparison.Ordinal))["operations=".Length..]);
        Description = string.Join(' ', parts.Where(static part => part.StartsWith("model=", StringComparison.Ordinal) || part.StartsWith("provider=", StringComparison.Ordinal)));
    }

    public Uri Grpc { get; }

    public Uri Operations { get; }

    /// <summary>Model and provider.</summary>
    public string Description { get; }

    /// <summary>Seconds that it and its decoders have computed.</summary>
    public double ProcessorTime => Directory.EnumerateDirectories("/proc").Select(static folder => Path.GetFileName(folder)).Where(static name => name.All(char.IsAsciiDigit))
        .Select(static name => (Id: int.Parse(name, CultureInfo.InvariantCulture), Stat: Stat(name)))
        .Where(one => one.Stat is not null && (one.Id == _process.Id || one.Stat[1] == _process.Id.ToString(CultureInfo.InvariantCulture)))
        .Sum(static one => (double.Parse(one.Stat![11], CultureInfo.InvariantCulture) + double.Parse(one.Stat[12], CultureInfo.InvariantCulture)) / TicksPerSecond);

    /// <param name="processors">As <c>taskset</c> takes them; null: all.</param>
    /// <param name="settings">As the command line takes them.</param>
    /// <exception cref="InvalidOperationException">It does not start.</exception>
    public static async Task<ReplicaProcess> StartAsync(string? processors, IEnumerable<string> settings, CancellationToken cancellationToken)
    {
        var server = Path.Combine(TestData.RepositoryRoot, "out", "loupe-grpc-server");
        if (!File.Exists(server))
        {
            throw new InvalidOperationException($"{server} is not there: run ./build.sh first.");
        }

        string[] arguments = [server, "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off", .. settings];
        var start = processors is null
            ? new ProcessStartInfo(server, arguments[1..])
            : new ProcessStartInfo("taskset", ["--cpu-list", processors, .. arguments]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        var process = Process.Start(start)!;
        var log = process.StandardError.ReadToEndAsync(CancellationToken.None);
        if (await process.StandardOutput.ReadLineAsync(cancellationToken) is not { } ready)
        {
            throw new InvalidOperationException($"The server does not start:\n{await log}");
        }

        return new ReplicaProcess(process, ready);
    }

    public async ValueTask DisposeAsync()
    {
        // With what it started; taskset has become the server.
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
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
