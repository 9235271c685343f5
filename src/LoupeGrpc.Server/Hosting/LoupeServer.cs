using System.Diagnostics;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Hosting;

/// <summary>A listening server around models, which it does not own.</summary>
internal sealed class LoupeServer : IAsyncDisposable
{
    /// <summary>For the transport to close what the drain left open.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    private readonly WebApplication _app;

    private LoupeServer(WebApplication app, KestrelSetup kestrel)
    {
        _app = app;
        Grpc = kestrel.ClientAddress(Listener.Grpc)!;
        Operations = kestrel.ClientAddress(Listener.Operations)!;
        Web = kestrel.ClientAddress(Listener.Web);
    }

    /// <summary>Where a client on this machine reaches it, with the port that was taken.</summary>
    public Uri Grpc { get; }

    /// <inheritdoc cref="Grpc"/>
    public Uri Operations { get; }

    /// <inheritdoc cref="Grpc"/>
    /// <remarks>Null: there is none.</remarks>
    public Uri? Web { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Listens, and serves from the moment the task is done.</summary>
    /// <exception cref="ListenException">An address cannot be listened on.</exception>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public static async Task<LoupeServer> StartAsync(
        LoupeOptions options, ModelRepository models, TimeProvider time, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        // Empty: no settings, no addresses and no logs but ours.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = typeof(LoupeServer).Assembly.GetName().Name });
        using var kestrel = KestrelSetup.Bind(options.Endpoints);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(server => kestrel.Configure(server, options));
        builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = kestrel.Take);
        logging(builder.Logging);
        // It logs what it throws: the caller says that better.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        // Starting and draining are no errors; who asks is told.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Logging.AddFilter(CallFaults.RepeatedCategory, LogLevel.None);
        // Several lines for each call that is refused, of which we log one in our own words.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Authentication", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Authorization", LogLevel.Warning);
        builder.Logging.AddFilter("LoupeGrpc.Server.Security.CallerHandler", LogLevel.Warning);
        builder.Services.AddLoupeServer(options, models, time);
        builder.Services.AddSingleton<IHostLifetime, CallerLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Shutdown.DrainTimeout + SessionDrain.Linger + CloseTimeout);

        var app = builder.Build();
        try
        {
            app.Services.LoadLoupeSecurity();
            app.MapLoupe(options);
            // Nobody asks for it: it answers whoever reads the metrics.
            app.Services.GetRequiredService<LadderMetrics>();
            app.Services.GetRequiredService<ModelMetrics>();
            app.Services.GetRequiredService<MemoryMetrics>();
            app.Services.GetRequiredService<QueueMetrics>();
            app.Services.GetService<TelemetryFaults>();
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        using var process = Process.GetCurrentProcess();
        var now = time.GetUtcNow();
        var serving = app.Services.GetRequiredService<ServingState>();
        serving.MarkReady(now, now - process.StartTime.ToUniversalTime());
        serving.Draining.UnsafeRegister(static kestrel => ((KestrelSetup)kestrel!).CloseToCallers(), kestrel);
        app.Services.GetRequiredService<HealthWatchers>().Begin();
        return new LoupeServer(app, kestrel);
    }

    /// <summary>Settings that were read anew: those that may change while it runs do.</summary>
    /// <returns>Names of the settings that were taken over, and of those that differ and hold from the next start only.</returns>
    public (IReadOnlyList<string> Taken, IReadOnlyList<string> Later) Replace(LoupeOptions options) => _app.Services.GetRequiredService<LiveOptions>().Replace(options);

    /// <summary>Looks at the models' folders anew, as the settings name them now.</summary>
    /// <exception cref="OperationCanceledException"/>
    public Task ReloadModelsAsync(CancellationToken cancellationToken) =>
        _app.Services.GetRequiredService<ModelRepository>().ReloadAsync(_app.Services.GetRequiredService<LiveOptions>().Current.ModelSources, cancellationToken);

    /// <summary>Reads keys and certificates anew where their files have changed, and goes on with the audit log in the file that has its name now.</summary>
    public void Reload()
    {
        _app.Services.GetRequiredService<FileReload>().Reload();
        _app.Services.GetRequiredService<AuditLog>().Reopen();
    }

    /// <summary>Drains, then closes.</summary>
    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Signals are the caller's business.</summary>
    private sealed class CallerLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
