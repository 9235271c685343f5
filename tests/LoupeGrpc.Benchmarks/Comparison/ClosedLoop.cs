using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Comparison;

/// <summary>One stream that sends its next frame when the one before is answered: a stock client on the generated stubs, and a connection of its own.</summary>
internal sealed class ClosedLoop : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> _call;
    private readonly IReadOnlyList<ByteString> _pictures;
    private ulong _next;

    private ClosedLoop(GrpcChannel channel, AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call, IReadOnlyList<ByteString> pictures, int first) =>
        (_channel, _call, _pictures, _next) = (channel, call, pictures, (ulong)first);

    /// <param name="first">Picture to begin with.</param>
    public static async Task<ClosedLoop> OpenAsync(Uri server, IReadOnlyList<ByteString> pictures, int first, CancellationToken cancellationToken)
    {
        var channel = GrpcChannel.ForAddress(server);
        var call = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: cancellationToken);
        var loop = new ClosedLoop(channel, call, pictures, first);
        await call.RequestStream.WriteAsync(
            new AnalyzeRequest { Open = new OpenSession { SessionName = $"loop-{first}", Mask = new MaskSettings { Policy = MaskPolicy.Always } } }, cancellationToken);
        while ((await loop.ReadAsync(cancellationToken)).PayloadCase != AnalyzeResponse.PayloadOneofCase.Granted)
        {
            // The grant comes before everything that counts.
        }

        return loop;
    }

    /// <summary>The next frame, from sending to its result.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public async Task<(FrameResult Result, TimeSpan Elapsed)> AnalyzeAsync(CancellationToken cancellationToken)
    {
        var frame = new Frame { FrameId = _next, Encoded = new EncodedImage { Data = _pictures[(int)(_next % (ulong)_pictures.Count)] } };
        _next++;
        long start = Stopwatch.GetTimestamp();
        await _call.RequestStream.WriteAsync(new AnalyzeRequest { Frame = frame }, cancellationToken);
        while (true)
        {
            if ((await ReadAsync(cancellationToken)).Outcome is { } outcome)
            {
                return outcome.Result is { } result
                    ? (result, Stopwatch.GetElapsedTime(start))
                    : throw new InvalidOperationException($"A frame was not analysed: {outcome}");
            }
        }
    }

    public void Dispose()
    {
        _call.Dispose();
        _channel.Dispose();
    }

    private async Task<AnalyzeResponse> ReadAsync(CancellationToken cancellationToken) =>
        await _call.ResponseStream.MoveNext(cancellationToken) ? _call.ResponseStream.Current : throw new InvalidOperationException("The server has ended the stream.");
}
