using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.Server.Health;

/// <summary>Ready while <see cref="ServingState"/> says so: behind <c>grpc.health.v1</c> and <c>/healthz/ready</c>.</summary>
internal sealed class ServingHealthCheck(ServingState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.IsServing ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(state.IsDraining ? "draining" : "starting"));
}
