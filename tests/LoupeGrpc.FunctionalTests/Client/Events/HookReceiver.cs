using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.SystemTextJson;
using LoupeGrpc.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>Somebody's webhook on real Kestrel. Disposing cuts every connection.</summary>
internal sealed class HookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<HookRequest> _requests = [];

    private HookReceiver(WebApplication app) => _app = app;

    /// <summary>As `--events` takes it.</summary>
    public string Address => $"webhook:{_app.Urls.Single()}/hooks/secret-path";

    /// <summary>In the order in which they came.</summary>
    public IReadOnlyList<HookRequest> Requests => [.. _requests];

    /// <summary>Those of them that were answered with success.</summary>
    public IReadOnlyList<HookRequest> Taken => [.. _requests.Where(static request => request.Status is >= 200 and < 300)];

    /// <param name="answer">The status for a request, by its number; null: 204. May wait.</param>
    /// <param name="port">0 picks a free one.</param>
    /// <param name="certificate">With it, it speaks TLS.</param>
    public static async Task<HookReceiver> StartAsync(Func<int, HttpContext, Task<int>>? answer = null, int port = 0, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        var app = builder.Build();
        var receiver = new HookReceiver(app);
        var number = -1;
        app.MapPost("/hooks/secret-path", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            var request = new HookRequest(context.Request.Headers.ToDictionary(static header => header.Key, static header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
            context.Response.StatusCode = request.Status = answer is null ? 204 : await answer(Interlocked.Increment(ref number), context);
            receiver._requests.Enqueue(request);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public Task TakenAsync(int events) => Patience.UntilAsync(() => Taken.Count >= events);

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>One POST.</summary>
internal sealed record HookRequest(IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public int Status { get; set; }

    /// <summary>As the SDK of CloudEvents reads it.</summary>
    public CloudEvent Event => field ??= new JsonEventFormatter().DecodeStructuredModeMessage(Body, new System.Net.Mime.ContentType(Headers["Content-Type"]), [CloudEventAttribute.CreateExtension("sequence", CloudEventAttributeType.String)]);
}
