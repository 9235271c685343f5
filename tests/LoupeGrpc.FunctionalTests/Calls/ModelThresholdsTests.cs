using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.FunctionalTests.Inference;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Results;
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

    [Fact]
    public async Task Everybody_is_told_what_the_model_was_calibrated_with()
    {
        await using var server = await RunningServer.StartAsync(CalibratedAnalyzer());
        await using var plain = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        var calibration = (await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token())).Model.Calibration;
        var view = JsonNode.Parse(await http.GetStringAsync(new Uri(server.Server.Web!, "/v1/info"), Patience.Token()))!["model"]!["calibration"]!;

        Assert.Equal(
            new Calibration
            {
                Temperature = 2,
                Bias = 0.25,
                TileBias = 0.5,
                Low = Calibrated.Item1,
                High = Calibrated.Item2,
                FalseAlarms = 0.05,
                Confidence = 0.95,
                Authentic = 120,
                Forged = 7,
                MadeAt = new Timestamp(),
            },
            calibration);
        Assert.Equal(calibration, session.Grant.Model.Calibration);
        Assert.Equal(
            """{"temperature":2,"bias":0.25,"tile_bias":0.5,"low":0.15,"high":0.85,"false_alarms":0.05,"confidence":0.95,"authentic":120,"forged":7}""",
            Without(view, "made_at").ToJsonString());
        Assert.Equal("1970-01-01T00:00:00+00:00", (string?)view["made_at"]);
        Assert.Null((await plain.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token())).Model.Calibration);
        Assert.Null(JsonNode.Parse(await http.GetStringAsync(new Uri(plain.Server.Web!, "/v1/info"), Patience.Token()))!["model"]!["calibration"]);
        Assert.Contains(
            "calibrated   1970-01-01, on 120 authentic and 7 forged pictures, for at most 5 % false alarms with 95 % confidence: temperature 2, bias 0.25, bias of tiles 0.5, AUTHENTIC below 0.15, MANIPULATED from 0.85",
            await LinesAsync(server));
        Assert.Contains("calibrated   no: scores are the model's own", await LinesAsync(plain));

        static JsonNode Without(JsonNode node, string name)
        {
            var copy = node.DeepClone();
            copy.AsObject().Remove(name);
            return copy;
        }

        static async Task<IEnumerable<string>> LinesAsync(RunningServer asked) =>
            ServerInfoView.From("x", await asked.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token())).ToLines();
    }

    private static (float Low, float High) Pair(Thresholds thresholds) => (thresholds.Low, thresholds.High);

    private static ScriptedAnalyzer CalibratedAnalyzer() => new()
    {
        Model = new ModelDescription("calibrated", "1", new string('1', 64), Demonstration: true, ImageSize: 224, Grid: 16)
        {
            TileBias = 0.5,
            Calibration = new CalibrationSettings
            {
                Temperature = 2,
                Bias = 0.25,
                Thresholds = new CalibratedThresholds(Calibrated.Item1, Calibrated.Item2),
                FalseAlarms = 0.05,
                Confidence = 0.95,
                Whole = new CalibrationEvidence(100, 0),
                Tiles = new CalibrationEvidence(20, 7),
                Pictures = new string('2', 64),
                MadeAt = DateTimeOffset.UnixEpoch,
                Producer = "tests",
                Execution = new CalibrationExecution("CPU", "fp32"),
                Parent = new CalibrationParent("scripted", "1", new string('0', 64)),
            },
        },
    };
}
