using LoupeGrpc.Server.Models;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.Server.Health;

/// <summary>Ready while <see cref="ServingState"/> says so and runs make progress: behind <c>grpc.health.v1</c> and <c>/healthz/ready</c>.</summary>
internal sealed class ServingHealthCheck(ServingState state, ModelRepository models) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !state.IsServing ? HealthCheckResult.Unhealthy(state.IsDraining ? "draining" : "starting")
        : models.IsOverdue ? HealthCheckResult.Unhealthy("a run has taken half of what it may take and has not ended")
        : HealthCheckResult.Healthy());
}
