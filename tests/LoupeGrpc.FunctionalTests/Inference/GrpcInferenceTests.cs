using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Models;
using LoupeGrpc.Inference;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Inference;

/// <summary><c>inference.GRPCInferenceService</c>.</summary>
public sealed class GrpcInferenceTests(NanoEngine nano)
{
    [Fact]
    public async Task Files_get_the_answers_of_AnalyzeImage()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var (forged, authentic) = (await Infer.AnalyzeImageAsync(server, Infer.Forged), await Infer.AnalyzeImageAsync(server, Infer.Authentic));
        Assert.NotNull(forged.Mask);
        Assert.Null(authentic.Mask);

        var typed = await Infer.AskAsync(server, Infer.Files(Infer.Forged, Infer.Authentic));

        Assert.Equal(("default", nano.Package.Hash[..8], "request-7"), (typed.ModelName, typed.ModelVersion, typed.Id));
        Assert.Equal(["score", "verdict", "mask", "mask_size"], typed.Outputs.Select(static output => output.Name));
        Assert.Empty(typed.RawOutputContents);
        Infer.AssertSame(forged, typed, 0);
        Infer.AssertSame(authentic, typed, 1);

        var raw = await Infer.AskAsync(server, Infer.Raw("BYTES", [2], Infer.Prefixed(Infer.Forged, Infer.Authentic)));

        Assert.All(raw.Outputs, static output => Assert.Null(output.Contents));
        Assert.Equal([[2], [2], [2], [2, 2]], raw.Outputs.Select(static output => output.Shape.ToArray()));
        Assert.Equal(typed.Output("score").Contents.Fp32Contents, Infer.Numbers<float>(raw.RawOutput("score")), static (a, b) => Math.Abs(a - b) < 1e-6f);
        Assert.Equal(typed.Output("mask_size").Contents.Int64Contents, Infer.Numbers<long>(raw.RawOutput("mask_size")));
        Assert.Equal(Infer.Prefixed([.. typed.Output("verdict").Contents.BytesContents.Select(static word => word.ToByteArray())]), raw.RawOutput("verdict"));
        Assert.Equal(Infer.Prefixed([.. typed.Output("mask").Contents.BytesContents.Select(static word => word.ToByteArray())]), raw.RawOutput("mask"));
        Assert.Equal((0L, 0L), (server.FrameBytes, server.Ledger.Receiving.Held.Bytes));
    }

    /// <summary>More of them than the engine takes at a time.</summary>
    [Fact]
    public async Task As_many_as_there_are_credits_are_one_request()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Engine = new Engine.EngineOptions { MaxFramesInPipeline = 4, MaxFramesWaiting = 0 }, Limits = new LimitOptions { Credits = 12 } });
        var expected = await Infer.AnalyzeImageAsync(server, Infer.Forged);
        var answer = await Infer.AskAsync(server, Infer.Files([.. Enumerable.Repeat(Infer.Forged, 12)]));
        Assert.Equal([12], answer.Output("score").Shape);
        Infer.AssertSame(expected, answer, 11);

        var failure = await Infer.FailureAsync(server, Infer.Files([.. Enumerable.Repeat(Infer.Forged, 13)]));
        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("the request has 13 pictures, more than 12: Loupe:Limits:Credits", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pixels_are_red_green_blue()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        const int Height = 60;
        const int Width = 80;
        byte[] pixels = [.. Enumerable.Range(0, 2 * Height * Width * 3).Select(static i => (byte)((i * 31) ^ (i / 977)))];
        var request = new AnalyzeImageRequest { Mask = new MaskSettings { Policy = V1.MaskPolicy.Always } };
        var expected = new List<FrameResult>();
        foreach (var picture in pixels.Chunk(Height * Width * 3))
        {
            request.Raw = new RawImage { Data = ByteString.CopyFrom(picture), Format = new FrameFormat { PixelFormat = PixelFormat.Rgb24, Width = Width, Height = Height } };
            expected.Add(await Infer.AnalyzeImageAsync(server, request));
        }

        Assert.NotEqual(expected[0].Score, expected[1].Score);
        var typed = Infer.Raw("UINT8", [2, Height, Width, 3], []).With("mask", "always");
        typed.RawInputContents.Clear();
        typed.Inputs[0].Contents = new InferTensorContents { UintContents = { pixels.Select(static value => (uint)value) } };
        var answer = await Infer.AskAsync(server, typed);
        Infer.AssertSame(expected[0], answer, 0);
        Infer.AssertSame(expected[1], answer, 1);
        var raw = await Infer.AskAsync(server, Infer.Raw("UINT8", [2, Height, Width, 3], pixels).With("mask", "always"));
        Assert.Equal(expected.Select(static result => result.Score), Infer.Numbers<float>(raw.RawOutput("score")), static (a, b) => Math.Abs(a - b) < 1e-6f);
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_answered_and_computed()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var asking = Infer.AskAsync(server, Infer.Files([1]).Wanting("verdict", "score").With("low", 0.1).With("high", "0.25"));
        var analysis = await analyzer.NextAsync();
        Assert.Equal((Engine.MaskPolicy.Never, false), (analysis.Request.MaskPolicy, analysis.Request.SoftMask));
        Assert.Equal((0.1f, 0.25f), (analysis.Request.Thresholds.Low, analysis.Request.Thresholds.High));
        analysis.Succeed(0.2f);
        Assert.Equal(["verdict", "score"], (await asking).Outputs.Select(static output => output.Name));

        asking = Infer.AskAsync(server, Infer.Files([1]).Wanting("mask"));
        analysis = await analyzer.NextAsync();
        Assert.Equal((Engine.MaskPolicy.WhenSuspected, false), (analysis.Request.MaskPolicy, analysis.Request.SoftMask));
        analysis.Succeed(0.2f);
        Assert.Equal([string.Empty], Infer.Texts((await asking).Output("mask").Contents.BytesContents));
    }

    /// <summary>Where it is above the model's threshold, the mask is.</summary>
    [Fact]
    public async Task The_soft_mask_is_what_the_mask_was_made_of()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var expected = await Infer.AnalyzeImageAsync(server, Infer.Forged);
        var answer = await Infer.AskAsync(server, Infer.Raw("BYTES", [2], Infer.Prefixed(Infer.Forged, Infer.Forged)).Wanting("soft_mask", "mask"));
        Assert.Equal([2, expected.Height, expected.Width], answer.Output("soft_mask").Shape);
        var soft = Infer.Numbers<float>(answer.RawOutput("soft_mask"));
        Assert.Equal(2 * expected.Height * expected.Width, (uint)soft.Length);
        var mask = CocoRleDecoder.Decode(expected.Mask.Rle);
        var threshold = nano.Package.Manifest.MaskDecode.Threshold;
        for (var i = 0; i < soft.Length; i++)
        {
            var place = i % (soft.Length / 2);
            var isForged = mask.Pixels[place] != 0;
            Assert.True(isForged == soft[i] > threshold || Math.Abs(soft[i] - threshold) < 1e-5, $"{i}: {soft[i]}, {isForged}");
        }

        Assert.Contains("one size", (await Infer.FailureAsync(server, Infer.Files(Infer.Forged, File.ReadAllBytes(TestData.Golden("nano-tta", "scale", "frame-000.png"))).Wanting("soft_mask"))).Status.Detail, StringComparison.Ordinal);
        Assert.Contains("must be always", (await Infer.FailureAsync(server, Infer.Files(Infer.Forged).Wanting("soft_mask").With("mask", "never"))).Status.Detail, StringComparison.Ordinal);
        await using var small = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxResponseBytes = 1 << 16 } });
        var failure = await Infer.FailureAsync(small, Infer.Files(Infer.Forged).Wanting("soft_mask"));
        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("Loupe:Limits:MaxResponseBytes", failure.Status.Detail, StringComparison.Ordinal);
    }

    public static TheoryData<string, StatusCode, string> Wrong => new()
    {
        { "model", StatusCode.NotFound, "Request for unknown model: 'huge' is not found: expected default" },
        { "version", StatusCode.NotFound, "Request for unknown model: 'default' version 9 is not found: it is " },
        { "input", StatusCode.InvalidArgument, "unexpected inference input 'INPUT0' for model 'default'" },
        { "inputs", StatusCode.InvalidArgument, "expected 1 inputs but got 2 inputs for model 'default'. Got input(s) ['image','image']." },
        { "none", StatusCode.InvalidArgument, "expected 1 inputs but got 0 inputs for model 'default'. Got input(s) [], but missing required input(s) ['image']" },
        { "datatype", StatusCode.InvalidArgument, "inference input 'image' data-type is 'FP32', but model 'default' expects 'BYTES'" },
        { "shape", StatusCode.InvalidArgument, "unexpected shape for input 'image' of 'BYTES' for model 'default'. Expected [-1], got [1,1]" },
        { "negative", StatusCode.InvalidArgument, "Expected [-1], got [-1]" },
        { "pixels", StatusCode.InvalidArgument, "Expected [-1,-1,-1,3], got [1,2,2,4]" },
        { "overflow", StatusCode.InvalidArgument, "Expected [-1,-1,-1,3], got [1,2147483647,2147483647,3]" },
        { "count", StatusCode.InvalidArgument, "inference input 'image' has 1 elements for shape [2]" },
        { "bytes", StatusCode.InvalidArgument, "inference input 'image' has 11 bytes for shape [1,2,2,3], which has 12" },
        { "length", StatusCode.InvalidArgument, "inference input 'image' has an element of 9 bytes, and 1 are left" },
        { "rest", StatusCode.InvalidArgument, "inference input 'image' has 2 bytes at its end" },
        { "value", StatusCode.InvalidArgument, "inference input 'image' has the value 256" },
        { "both", StatusCode.InvalidArgument, "contents field must not be specified when using raw_input_contents for 'image' for model 'default'" },
        { "raws", StatusCode.InvalidArgument, "expected 1 raw_input_contents" },
        { "output", StatusCode.InvalidArgument, "unexpected inference output 'heat' for model 'default'" },
        { "twice", StatusCode.InvalidArgument, "is asked for twice" },
        { "parameter", StatusCode.InvalidArgument, "parameter 'hgih' is not known here: expected mask, low, high" },
        { "mask", StatusCode.InvalidArgument, "parameter 'mask' is 'maybe': expected always, suspected or never" },
        { "low", StatusCode.InvalidArgument, "expected 0 <= low <= high <= 1" },
        { "nan", StatusCode.InvalidArgument, "parameter 'low' is 'NaN': expected a number" },
        { "tiles", StatusCode.InvalidArgument, "parameter 'tiles' is 'some': expected auto, native or off" },
        { "classification", StatusCode.Unimplemented, "tensor parameter 'classification' is not supported" },
        { "shared", StatusCode.Unimplemented, "tensor parameter 'shared_memory_region' is not supported" },
        { "start", StatusCode.InvalidArgument, "need a sequence_id" },
        { "picture", StatusCode.InvalidArgument, "image[1]: " },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_has_the_status_that_clients_expect(string what, StatusCode status, string detail)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var request = Infer.Files([1]);
        var input = request.Inputs[0];
        switch (what)
        {
            case "model": request.ModelName = "huge"; break;
            case "version": request.ModelVersion = "9"; break;
            case "input": input.Name = "INPUT0"; break;
            case "inputs": request.Inputs.Add(input.Clone()); break;
            case "none": request.Inputs.Clear(); break;
            case "datatype": input.Datatype = "FP32"; break;
            case "shape": input.Shape.Add(1); break;
            case "negative": input.Shape[0] = -1; break;
            case "pixels": request = Infer.Raw("UINT8", [1, 2, 2, 4], new byte[16]); break;
            case "overflow": request = Infer.Raw("UINT8", [1, int.MaxValue, int.MaxValue, 3], new byte[16]); break;
            case "count": input.Shape[0] = 2; break;
            case "bytes": request = Infer.Raw("UINT8", [1, 2, 2, 3], new byte[11]); break;
            case "length": request = Infer.Raw("BYTES", [1], [9, 0, 0, 0, 1]); break;
            case "rest": request = Infer.Raw("BYTES", [1], [1, 0, 0, 0, 1, 0, 0]); break;
            case "value": (input.Datatype, input.Contents) = ("UINT8", new InferTensorContents { UintContents = { 1, 2, 256 } }); input.Shape.Add([1, 1, 3]); break;
            case "both": request.RawInputContents.Add(ByteString.CopyFrom(1, 0, 0, 0, 1)); break;
            case "raws": request = Infer.Raw("BYTES", [1], [1, 0, 0, 0, 1]); request.RawInputContents.Add(ByteString.Empty); break;
            case "output": request.Wanting("heat"); break;
            case "twice": request.Wanting("score", "score"); break;
            case "parameter": request.With("hgih", 0.5); break;
            case "mask": request.With("mask", "maybe"); break;
            case "low": request.With("low", 0.9); break;
            case "nan": request.With("low", double.NaN); break;
            case "tiles": request.With("tiles", "some"); break;
            case "classification": request.Wanting("score").Outputs[0].Parameters["classification"] = new InferParameter { Int64Param = 1 }; break;
            case "shared": input.Parameters["shared_memory_region"] = new InferParameter { StringParam = "x" }; break;
            case "start": request.With("sequence_start", true); break;
            case "picture": request = Infer.Files(Infer.Forged, [1, 2, 3]); break;
        }

        var failure = await Infer.FailureAsync(server, request);

        Assert.Equal(status, failure.StatusCode);
        Assert.Contains(detail, failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal((0L, 0L), (server.FrameBytes, server.Ledger.Receiving.Held.Bytes));
    }

    [Fact]
    public async Task Models_are_told_as_tools_ask_for_them()
    {
        var tiny = TestPackages.Tiny("tiny-l", PackageLayout.Fp32);
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", tiny));
        await using var server = await models.StartServerAsync();
        var service = Infer.Service(server);

        Assert.True((await service.ServerLiveAsync(new ServerLiveRequest(), cancellationToken: Patience.Token())).Live);
        var health = await new Grpc.Health.V1.Health.HealthClient(server.Channel).CheckAsync(new Grpc.Health.V1.HealthCheckRequest { Service = "inference.GRPCInferenceService" }, cancellationToken: Patience.Token());
        Assert.Equal(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.True((await service.ServerReadyAsync(new ServerReadyRequest(), cancellationToken: Patience.Token())).Ready);
        Assert.True((await service.ModelReadyAsync(new ModelReadyRequest { Name = "tiny", Version = tiny.Hash[..8] }, cancellationToken: Patience.Token())).Ready);
        Assert.False((await service.ModelReadyAsync(new ModelReadyRequest { Name = "tiny", Version = "9" }, cancellationToken: Patience.Token())).Ready);
        Assert.False((await service.ModelReadyAsync(new ModelReadyRequest { Name = "huge" }, cancellationToken: Patience.Token())).Ready);
        var facts = await service.ServerMetadataAsync(new ServerMetadataRequest(), cancellationToken: Patience.Token());
        Assert.Equal("loupe-grpc-server", facts.Name);
        Assert.Contains("binary_tensor_data", facts.Extensions);
        var index = await service.RepositoryIndexAsync(new RepositoryIndexRequest(), cancellationToken: Patience.Token());
        Assert.Equal([("default", nano.Package.Hash[..8], "READY"), ("tiny", tiny.Hash[..8], "READY")], index.Models.Select(static model => (model.Name, model.Version, model.State)));
        var metadata = await service.ModelMetadataAsync(new ModelMetadataRequest { Name = "tiny" }, cancellationToken: Patience.Token());
        Assert.Equal(("tiny", tiny.Hash[..8], "onnxruntime_onnx"), (metadata.Name, metadata.Versions.Single(), metadata.Platform));
        Assert.Equal([("image", "BYTES", "-1")], metadata.Inputs.Select(static input => (input.Name, input.Datatype, string.Join(',', input.Shape))));
        Assert.Contains("red, green, blue", metadata.Inputs[0].Parameters["description"].StringParam, StringComparison.Ordinal);
        Assert.Equal(
            [("score", "FP32", "-1"), ("verdict", "BYTES", "-1"), ("mask", "BYTES", "-1"), ("mask_size", "INT64", "-1,2"), ("soft_mask", "FP32", "-1,-1,-1")],
            metadata.Outputs.Select(static output => (output.Name, output.Datatype, string.Join(',', output.Shape))));
        var config = (await service.ModelConfigAsync(new ModelConfigRequest { Name = "tiny" }, cancellationToken: Patience.Token())).Config;
        Assert.Equal(("tiny", 0, DataType.TypeString, 5), (config.Name, config.MaxBatchSize, config.Input.Single().DataType, config.Output.Count));
        foreach (var asking in new Func<Task>[]
        {
            async () => await service.ModelMetadataAsync(new ModelMetadataRequest { Name = "huge" }, cancellationToken: Patience.Token()),
            async () => await service.ModelConfigAsync(new ModelConfigRequest { Name = "tiny", Version = "9" }, cancellationToken: Patience.Token()),
            async () => await service.ModelStatisticsAsync(new ModelStatisticsRequest { Name = "huge" }, cancellationToken: Patience.Token()),
        })
        {
            Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(asking)).StatusCode);
        }

        // By name, and what they did is counted apart.
        var ofTiny = Infer.Files(Infer.Forged);
        ofTiny.ModelName = "TINY";
        var answer = await Infer.AskAsync(server, ofTiny);
        Assert.Equal(("tiny", tiny.Hash[..8]), (answer.ModelName, answer.ModelVersion));
        var expected = await server.Client.AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(Infer.Forged) }, Model = "tiny" }, cancellationToken: Patience.Token());
        Infer.AssertSame(expected.Result, answer);
        await Infer.FailureAsync(server, Infer.Files([1]));
        var statistics = (await service.ModelStatisticsAsync(new ModelStatisticsRequest(), cancellationToken: Patience.Token())).ModelStats;
        Assert.Equal([("default", 0UL, 1UL), ("tiny", 1UL, 0UL)], statistics.Select(static model => (model.Name, model.InferenceCount, model.InferenceStats.Fail.Count)));
        Assert.True(statistics[1].InferenceStats.ComputeInfer.Ns > 0 && statistics[1].InferenceStats.Success.Ns >= statistics[1].InferenceStats.ComputeInfer.Ns);
        Assert.True(statistics[1].LastInference > 0 && statistics[0].LastInference == 0);
    }

    [Fact]
    public async Task A_stream_answers_each_request_in_its_place()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var call = Infer.Service(server).ModelStreamInfer(cancellationToken: Patience.Token());
        ModelInferRequest[] requests = [Infer.Files(Infer.Forged), Infer.Files([1, 2, 3]), Infer.Files(Infer.Authentic), Infer.Files(Infer.Authentic)];
        requests[3].ModelName = "huge";
        for (var i = 0; i < requests.Length; i++)
        {
            requests[i].Id = $"{i}";
            await call.RequestStream.WriteAsync(requests[i], Patience.Token());
        }

        await call.RequestStream.CompleteAsync();
        var answers = await call.ResponseStream.ReadAllAsync(Patience.Token()).ToListAsync(Patience.Token());

        Assert.Equal(["0", "1", "2", "3"], answers.Select(static answer => answer.InferResponse.Id));
        Assert.Equal([true, false, true, false], answers.Select(static answer => answer.ErrorMessage.Length == 0));
        Infer.AssertSame(await Infer.AnalyzeImageAsync(server, Infer.Forged), answers[0].InferResponse);
        Infer.AssertSame(await Infer.AnalyzeImageAsync(server, Infer.Authentic), answers[2].InferResponse);
        Assert.Contains("'huge' is not found", answers[3].ErrorMessage, StringComparison.Ordinal);
        Assert.Equal((0L, 0L), (server.FrameBytes, server.Ledger.Receiving.Held.Bytes));
    }

    [Fact]
    public async Task A_stream_that_nobody_ends_does_not_hold_up_a_server_that_stops()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Shutdown = RunningServer.LongDrain });
        using var call = Infer.Service(server).ModelStreamInfer(cancellationToken: Patience.Token());
        await call.RequestStream.WriteAsync(Infer.Files([1]), Patience.Token());
        var inside = await analyzer.NextAsync();
        var stopping = server.Server.StopAsync();
        Assert.False(stopping.IsCompleted);
        inside.Succeed(0.1f);

        Assert.True(await call.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal([0.1f], call.ResponseStream.Current.InferResponse.Output("score").Contents.Fp32Contents);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Patience.Token()))).StatusCode);
        await stopping.WaitAsync(Patience.Token());
    }

    /// <summary>Each picture counts.</summary>
    [Fact]
    public async Task Quotas_hold_at_this_door_too()
    {
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) },
            new LoupeOptions { Security = new SecurityOptions { Open = true }, Quotas = new QuotaOptions { StrangerFramesPerSecond = 2 } });
        await Infer.AskAsync(server, Infer.Files([1], [2]));
        var failure = await Infer.FailureAsync(server, Infer.Files([1], [2], [3]));
        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("Loupe:Quotas:FramesPerSecond", failure.Status.Detail, StringComparison.Ordinal);
        await Patience.UntilAsync(() => server.FrameBytes == 0);
    }

    /// <summary>Its account has nothing left of it.</summary>
    [Fact]
    public async Task A_client_that_goes_away_leaves_nothing()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var gone = new CancellationTokenSource();
        using var call = Infer.Service(server).ModelStreamInfer(cancellationToken: gone.Token);
        await call.RequestStream.WriteAsync(Infer.Files([1], [2]), Patience.Token());
        var asking = Infer.Service(server).ModelInferAsync(Infer.Files([3]), cancellationToken: gone.Token).ResponseAsync;
        await analyzer.NextAsync();
        await gone.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => asking);
        await Patience.UntilAsync(() => analyzer.Inside == 0 && server.FrameBytes == 0 && server.Ledger.Receiving.Held.Bytes == 0);
    }
}
