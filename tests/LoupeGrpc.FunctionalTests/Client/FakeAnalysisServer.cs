using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>A server on real Kestrel that does what a test tells it: clients must also cope with what the real one never does.</summary>
internal sealed class FakeAnalysisServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeAnalysisServer(WebApplication app, FakeAnalysisService service)
    {
        _app = app;
        Service = service;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public Uri Address { get; }

    public FakeAnalysisService Service { get; }

    /// <param name="service">What it answers.</param>
    /// <param name="port">0 picks a free one.</param>
    public static async Task<FakeAnalysisServer> StartAsync(FakeAnalysisService service, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = null);
        builder.Services.AddSingleton(service);
        var app = builder.Build();
        app.MapGrpcService<FakeAnalysisService>();
        await app.StartAsync();
        return new FakeAnalysisServer(app, service);
    }

    public async ValueTask DisposeAsync()
    {
        // Sessions that a test left open must not hold up the next one.
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
