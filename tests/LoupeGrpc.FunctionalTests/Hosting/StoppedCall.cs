using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>A call that announces a message, sends a part of it and stops, without a gRPC library that would not.</summary>
internal sealed class StoppedCall : IDisposable
{
    private readonly HttpClient? _own;
    private readonly CancellationTokenSource _over = new();
    private readonly Task<HttpResponseMessage> _response;

    /// <param name="client">Whose connection it shares. Null: it has one of its own.</param>
    public StoppedCall(Uri server, int announced, int sent, string method = "Analyze", HttpClient? client = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, $"/loupe.v1.ForgeryAnalysisService/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Part(announced, sent, _over.Token),
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        _response = (client ?? (_own = new HttpClient())).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _over.Token);
    }

    /// <summary>How the server ends it.</summary>
    public async Task<(StatusCode Status, string Message)> StatusAsync()
    {
        using var response = await _response.WaitAsync(Patience.Token());
        await response.Content.ReadAsByteArrayAsync(Patience.Token());
        var from = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return (
            (StatusCode)int.Parse(from.GetValues("grpc-status").Single(), CultureInfo.InvariantCulture),
            Uri.UnescapeDataString(from.GetValues("grpc-message").Single()));
    }

    public void Dispose()
    {
        _over.Cancel();
        _own?.Dispose();
        _over.Dispose();
    }

    private sealed class Part : HttpContent
    {
        private readonly int _announced;
        private readonly int _sent;
        private readonly CancellationToken _over;

        public Part(int announced, int sent, CancellationToken over)
        {
            (_announced, _sent, _over) = (announced, sent, over);
            Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var prefix = new byte[5];
            BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), _announced);
            await stream.WriteAsync(prefix, _over);
            await stream.WriteAsync(new byte[_sent], _over);
            await stream.FlushAsync(_over);
            await Task.Delay(Timeout.Infinite, _over);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
