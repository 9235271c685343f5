using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>Takes what is sent by OTLP, by gRPC or over HTTP. Its messages are read by the numbers of their fields: no registry serves their protos.</summary>
internal sealed class TestCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, byte[] Message, string Headers)> _taken = [];

    private TestCollector(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>All headers that came, a request a line.</summary>
    public IEnumerable<string> Headers => _taken.Select(static request => request.Headers);

    public IReadOnlyList<CollectedSpan> Spans =>
        [.. Of("traces").SelectMany(static message => Fields(message, 1)).SelectMany(static resource => Fields(resource, 2)).SelectMany(static scope => Fields(scope, 2))
            .Select(static span => new CollectedSpan(
                Hex(Fields(span, 1)[0]),
                Hex(Fields(span, 2)[0]),
                Fields(span, 4).Select(Hex).FirstOrDefault(string.Empty),
                Text(Fields(span, 5)[0]),
                [.. Fields(span, 13).Select(static link => Hex(Fields(link, 2)[0]))],
                string.Join(' ', Fields(span, 9).Select(static attribute => Text(Fields(attribute, 1)[0])))))];

    public static async Task<TestCollector> StartAsync(HttpProtocols protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        var collector = new TestCollector(builder.Build());
        collector._app.MapPost("/v1/{signal}", (string signal, HttpRequest request) => collector.KeepAsync(signal, request, prefix: 0));
        collector._app.MapPost("/opentelemetry.proto.collector.{signal}.v1.{service}/Export", async (string signal, HttpContext http) =>
        {
            await collector.KeepAsync(signal == "trace" ? "traces" : signal, http.Request, prefix: 5);
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(new byte[5]);
            http.Response.AppendTrailer("grpc-status", "0");
        });
        await collector._app.StartAsync(Patience.Token());
        return collector;
    }

    /// <summary>Messages of <c>traces</c>, <c>metrics</c> or <c>logs</c>.</summary>
    public IEnumerable<byte[]> Of(string signal) => _taken.Where(request => request.Signal == signal).Select(static request => request.Message);

    /// <summary>Whether a text, or other bytes, stand in one of the messages.</summary>
    public bool Has(string signal, ReadOnlySpan<byte> bytes)
    {
        foreach (var message in Of(signal))
        {
            if (message.AsSpan().IndexOf(bytes) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task KeepAsync(string signal, HttpRequest request, int prefix)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        _taken.Enqueue((signal, body.ToArray()[prefix..], string.Join(' ', request.Headers.Select(static header => $"{header.Key}={header.Value}"))));
    }

    private static List<byte[]> Fields(byte[] message, int number)
    {
        var input = new CodedInputStream(message);
        var found = new List<byte[]>();
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == number && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }

    private static string Hex(byte[] id) => Convert.ToHexStringLower(id);

    private static string Text(byte[] text) => System.Text.Encoding.UTF8.GetString(text);
}

/// <param name="Links">Spans that it links to.</param>
/// <param name="Attributes">Their names.</param>
internal sealed record CollectedSpan(string Trace, string Id, string Parent, string Name, IReadOnlyList<string> Links, string Attributes);
