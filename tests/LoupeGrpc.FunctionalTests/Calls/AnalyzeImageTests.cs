using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class AnalyzeImageTests
{
    [Fact]
    public async Task A_picture_gets_its_result_and_the_model_that_gave_it()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var answering = server.Client.AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = Picture(), Thresholds = new Thresholds { Low = 0.1f, High = 0.2f } }, cancellationToken: Patience.Token());
        var analysis = await analyzer.NextAsync();
        Assert.Equal((0.1f, 0.2f), (analysis.Request.Thresholds.Low, analysis.Request.Thresholds.High));
        analysis.Succeed(0.25f);
        var answer = await answering;
        Assert.Equal((0.25f, "scripted"), (answer.Result.Score, answer.Model.Name));
        Assert.Equal(0, server.FrameBytes);
    }

    [Theory]
    [InlineData(FailureKind.Invalid, StatusCode.InvalidArgument, FailureCode.Invalid)]
    [InlineData(FailureKind.TooLarge, StatusCode.ResourceExhausted, FailureCode.TooLarge)]
    [InlineData(FailureKind.Unsupported, StatusCode.Unimplemented, FailureCode.Unsupported)]
    [InlineData(FailureKind.Overloaded, StatusCode.ResourceExhausted, FailureCode.Overloaded)]
    [InlineData(FailureKind.Expired, StatusCode.DeadlineExceeded, FailureCode.Expired)]
    [InlineData(FailureKind.Canceled, StatusCode.Unavailable, FailureCode.Canceled)]
    [InlineData(FailureKind.ModelFault, StatusCode.Internal, FailureCode.ModelFault)]
    [InlineData(FailureKind.Internal, StatusCode.Internal, FailureCode.Internal)]
    internal async Task A_failure_of_the_engine_is_the_calls_status(FailureKind kind, StatusCode status, FailureCode code)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => new FrameFailure(kind, "why") });
        var failure = await FailureOf(server, new AnalyzeImageRequest { Encoded = Picture() });
        Assert.Equal("why", StatusAssert.Carries(failure, status, code).Message);
    }

    [Fact]
    public async Task A_request_that_makes_no_sense_is_refused()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        AnalyzeImageRequest[] requests =
        [
            new(),
            new() { Raw = new RawImage { Data = ByteString.CopyFrom(1) } },
            new() { Encoded = Picture(), Thresholds = new Thresholds { Low = 2, High = 3 } },
            new() { Encoded = Picture(), Mask = new MaskSettings { Policy = (V1.MaskPolicy)9 } },
        ];
        foreach (var request in requests)
        {
            StatusAssert.Carries(await FailureOf(server, request), StatusCode.InvalidArgument, FailureCode.Invalid);
        }
    }

    [Fact]
    public async Task Without_room_for_its_bytes_a_picture_is_refused_at_once()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { MaxBufferedBytes = 1 << 20 } });
        var first = server.Client.AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(new byte[1 << 20]) } }, cancellationToken: Patience.Token());
        var inside = await analyzer.NextAsync();
        var failed = StatusAssert.Carries(
            await FailureOf(server, new AnalyzeImageRequest { Encoded = Picture() }), StatusCode.ResourceExhausted, FailureCode.Overloaded);
        Assert.Contains("Loupe:Limits:MaxBufferedBytes", failed.Message, StringComparison.Ordinal);
        inside.Succeed();
        await first;
    }

    private static EncodedImage Picture() => new() { Data = ByteString.CopyFrom(1) };

    private static Task<RpcException> FailureOf(RunningServer server, AnalyzeImageRequest request) =>
        Assert.ThrowsAsync<RpcException>(async () => await server.Client.AnalyzeImageAsync(request, cancellationToken: Patience.Token()));
}
