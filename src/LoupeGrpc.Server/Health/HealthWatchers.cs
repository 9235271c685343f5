using Grpc.AspNetCore.HealthChecks;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Health;

/// <summary>Tells those who watch <c>grpc.health.v1</c> of a change when it comes; by itself the library looks every few seconds.</summary>
internal sealed class HealthWatchers(HealthServiceImpl health, IOptions<GrpcHealthChecksOptions> services, ServingState serving) : IDisposable
{
    private CancellationTokenRegistration _draining;

    /// <summary>Once, when the server can serve.</summary>
    public void Begin()
    {
        Notify();
        _draining = serving.Draining.Register(Notify);
    }

    public void Dispose() => _draining.Dispose();

    private void Notify()
    {
        var status = serving.IsServing ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.NotServing;
        foreach (var service in services.Value.Services)
        {
            health.SetStatus(service.Name, status);
        }
    }
}
