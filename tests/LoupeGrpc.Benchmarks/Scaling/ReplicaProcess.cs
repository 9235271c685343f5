using System.Diagnostics;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>A real server, <c>out/loupe-grpc-server</c>, on some of the machine's processors, at ports of its own.</summary>
internal sealed class ReplicaProcess : IAsyncDisposable
{
    private readonly ServerProcess _process;

    private ReplicaProcess(ServerProcess process)
    {
        _process = process;
        Operations = new Uri(process.Ready.Single(static part => part.StartsWith("operations=", StringComparison.Ordinal))["operations=".Length..]);
        Description = string.Join(
            ' ', process.Ready.Where(static part => part.StartsWith("model=", StringComparison.Ordinal) || part.StartsWith("provider=", StringComparison.Ordinal)));
    }

    public Uri Grpc => _process.Address;

    public Uri Operations { get; }

    /// <summary>Model and provider.</summary>
    public string Description { get; }

    /// <summary>Seconds that it and its decoders have computed.</summary>
    public double ProcessorTime => _process.ProcessorTime;

    /// <param name="processors">As <c>taskset</c> takes them, which becomes the server; null: all.</param>
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
        return new ReplicaProcess(await ServerProcess.StartAsync(start, cancellationToken));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
