using System.Diagnostics;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>What others take of the machine from now on, which is neither these servers nor this program: a measurement is worth as much as they are still.</summary>
internal sealed class Bystanders
{
    private readonly IReadOnlyList<ReplicaProcess> _servers;
    private readonly long _since = Stopwatch.GetTimestamp();
    private readonly double _before;

    public Bystanders(params IReadOnlyList<ReplicaProcess> servers)
    {
        _servers = servers;
        _before = Computed();
    }

    /// <summary>On average since then.</summary>
    public double Processors => Math.Max(0, Computed() - _before) / Stopwatch.GetElapsedTime(_since).TotalSeconds;

    private double Computed() => Machine.ProcessorTime - _servers.Sum(static server => server.ProcessorTime) - Environment.CpuUsage.TotalTime.TotalSeconds;
}
