using LoupeGrpc.Server.Sessions.Keeping;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.Server.Stores;

/// <summary>Degraded while the store is away, or takes nothing: the server serves on, so probes stay content, and people see it.</summary>
internal sealed class StoreHealthCheck(ISessionStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !store.IsUp ? HealthCheckResult.Degraded("the store of sessions (Loupe:Sessions:Store) is away: sessions go on in memory")
            : store.Refusal is { } refusal ? HealthCheckResult.Degraded($"the store of sessions (Loupe:Sessions:Store) takes no records, sessions go on in memory: {refusal}")
            : HealthCheckResult.Healthy());
}
