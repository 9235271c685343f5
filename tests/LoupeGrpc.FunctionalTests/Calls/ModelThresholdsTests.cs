using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Inference;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Thresholds of a calibrated model, for those who give none, by whatever door they come.</summary>
public sealed class ModelThresholdsTests
{
    private static readonly (float, float) Calibrated = (0.15f, 0.85f);

    [Fact]
    public async Task A_session_has_them_and_gets_them_back()
    {
        var analyzer = CalibratedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();

        Assert.Equal(Calibrated, Pair(session.Grant.Thresholds));
        await session.SendAsync(new Control { ControlId = 1, SetThresholds = new Thresholds { Low = 0.1f, High = 0.2f } });
        Assert.Equal((0.1f, 0.2f), Pair((await session.NextReplyAsync()).Thresholds));
        await session.SendAsync(new Control { ControlId = 2, SetThresholds = new Thresholds() });
        Assert.Equal(Calibrated, Pair((await session.NextReplyAsync()).Thresholds));
        await session.SendFrameAsync(1);
        var analysis = await analyzer.NextAsync();
        Assert.Equal(Calibrated, (analysis.Request.Thresholds.Low, analysis.Request.Thresholds.High));
        analysis.Succeed();
        Assert.Equal(Calibrated, Pair((await session.NextOutcomeAsync()).Result.Thresholds));
    }

    [Fact]
    public async Task Single_pictures_have_them_whoever_carries_them()
    {
        var analyzer = CalibratedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent([1, 2, 3]);

        await AssertAsync(server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(1) } }, cancellationToken: Patience.Token()).ResponseAsync);
        await AssertAsync(http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze"), body, Patience.Token()));
        await AssertAsync(Infer.AskAsync(server, Infer.Files([1])));

        async Task AssertAsync(Task asking)
        {
            var analysis = await analyzer.NextAsync();
            Assert.Equal(Calibrated, (analysis.Request.Thresholds.Low, analysis.Request.Thresholds.High));
            analysis.Succeed();
            await asking;
        }
    }

    [Fact]
    public async Task What_the_settings_say_counts_for_more()
    {
        await using var server = await RunningServer.StartAsync(CalibratedAnalyzer(), new LoupeOptions { Thresholds = new ThresholdOptions { High = 0.7f } });
        using var session = await server.OpenAsync();
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());

        Assert.Equal((0.4f, 0.7f), Pair(session.Grant.Thresholds));
        Assert.Equal((0.4f, 0.7f), Pair(info.DefaultThresholds));
    }

    private static (float Low, float High) Pair(Thresholds thresholds) => (thresholds.Low, thresholds.High);

    private static ScriptedAnalyzer CalibratedAnalyzer() => new()
    {
        Model = new ModelDescription("calibrated", "1", new string('1', 64), Demonstration: true, ImageSize: 224, Grid: 16)
        {
            Calibration = new CalibrationSettings
            {
                Temperature = 1,
                Bias = 0,
                Thresholds = new CalibratedThresholds(Calibrated.Item1, Calibrated.Item2),
                FalseAlarms = 0.05,
                Whole = new CalibrationEvidence(100, 0),
                Pictures = new string('2', 64),
                MadeAt = DateTimeOffset.UnixEpoch,
                Producer = "tests",
                Execution = new CalibrationExecution("CPU", "fp32"),
                Parent = new CalibrationParent("scripted", "1", new string('0', 64)),
            },
        },
    };
}
