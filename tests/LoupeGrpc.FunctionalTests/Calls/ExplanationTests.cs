using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Results in sentences, by each door of the server, with the embedded model.</summary>
public sealed class ExplanationTests(NanoEngine nano)
{
    private static readonly byte[] Picture = File.ReadAllBytes(TestData.Sample("forged-cat-inpainted.png"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_door_says_the_same()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var single = await AnalyzeAsync(server, "en");
        using var session = await server.OpenAsync(new OpenSession { Explain = "en" });
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Picture) });
        var streamed = (await session.NextOutcomeAsync()).Result;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent(Picture) { Headers = { ContentType = new("image/png") } };
        using var posted = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?explain=en"), body, Token);
        var line = JsonNode.Parse(await posted.Content.ReadAsStringAsync(Token))!;

        Assert.Equal("en", session.Grant.Explain);
        Assert.Equal(
            [ExplanationCode.ScoreManipulated, ExplanationCode.MaskInOneField, ExplanationCode.OneRegion, ExplanationCode.PatchesAgree],
            single.Explanation.Select(static sentence => sentence.Code));
        Assert.Equal(single.Explanation, streamed.Explanation);
        Assert.Equal(
            single.Explanation.Select(static sentence => (Name(sentence.Code), sentence.Text)),
            line["explanation"]!.AsArray().Select(static sentence => ((string)sentence!["code"]!, (string)sentence["text"]!)));
        Assert.Equal(single.Explanation[1].Numbers["share"], (double)line["explanation"]![1]!["numbers"]!["share"]!);
        // What is said is what was found.
        Assert.Equal((double)single.Mask.Area / (single.Width * single.Height), single.Explanation[1].Numbers["share"], 1e-9);
        Assert.Equal(single.Score, (float)single.Explanation[0].Numbers["score"]);
    }

    [Fact]
    public async Task Who_does_not_ask_gets_nothing_more()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var plain = await AnalyzeAsync(server, "");
        var explained = await AnalyzeAsync(server, "zh");
        using var session = await server.OpenAsync(new OpenSession());
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Picture) });

        Assert.Empty(plain.Explanation);
        Assert.Empty((await session.NextOutcomeAsync()).Result.Explanation);
        Assert.Equal("", session.Grant.Explain);
        Assert.NotEmpty(explained.Explanation);
        // Some hundred bytes, and nothing else is changed by it.
        Assert.InRange(explained.CalculateSize() - plain.CalculateSize(), 200, 2000);
        explained.Explanation.Clear();
        explained.Timings = plain.Timings;
        Assert.Equal(plain, explained);
    }

    [Theory]
    [InlineData("fr")]
    [InlineData("EN")]
    [InlineData("off")]
    public async Task A_language_that_is_not_known_is_refused(string language)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var failure = await Assert.ThrowsAsync<RpcException>(() => AnalyzeAsync(server, language));
        using var refused = server.Call();
        await refused.SendAsync(new AnalyzeRequest { Open = new OpenSession { Explain = language } });
        var (_, opening) = await refused.FailureAsync();

        Assert.Equal((StatusCode.InvalidArgument, "explain names no language that results are explained in: expected en or zh"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(StatusCode.InvalidArgument, opening.StatusCode);
        Assert.Contains("expected en or zh", opening.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_adapts_says_what_that_changed()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = await server.OpenAsync(new OpenSession
        {
            Explain = "en",
            Adaptation = new AdaptationSettings { Enabled = true, LearningRate = 5e-3f, DualVerdictEveryNth = 1 },
        });
        foreach (var number in (ulong[])[1, 2])
        {
            await session.SendFrameAsync(number, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Picture) });
        }

        var first = (await session.NextOutcomeAsync()).Result;
        var second = (await session.NextOutcomeAsync()).Result;

        Assert.DoesNotContain(first.Explanation, static sentence => Name(sentence.Code).StartsWith("ADAPT", StringComparison.Ordinal));
        var changed = Assert.Single(second.Explanation, static sentence => sentence.Code == ExplanationCode.AdaptationChangedMask);
        Assert.Equal((double)second.MaskDisagreement, changed.Numbers["disagreement"], 1e-6);
        Assert.Equal((double)second.BaseMask.Area / (second.Width * second.Height), changed.Numbers["base_share"], 1e-9);
    }

    /// <summary>By the tool, of every sample, in both languages: a table, and lines of JSON.</summary>
    [Fact]
    public async Task Every_sample_is_explained_in_both_languages()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var names = await File.ReadAllLinesAsync(Path.Combine(TestData.RepositoryRoot, "samples", "pictures.txt"), Token);
        string[] analyze = ["analyze", .. names.Select(static name => Path.Combine(TestData.RepositoryRoot, name)), "--server", server.Server.Grpc.ToString()];

        var english = await CliRun.OfAsync([.. analyze, "--format", "jsonl"]);
        var chinese = await CliRun.OfAsync([.. analyze, "--format", "jsonl", "--explain", "zh"]);
        var silent = await CliRun.OfAsync([.. analyze, "--format", "jsonl", "--explain", "off"]);
        var table = await CliRun.OfAsync([.. analyze, "--explain", "zh"]);

        Assert.Equal(names.Length, english.Lines.Count);
        Assert.All(english.Lines.Zip(chinese.Lines), static both =>
        {
            var (one, other) = (Sentences(both.First), Sentences(both.Second));
            Assert.Equal(one.Select(static sentence => (string)sentence["code"]!), other.Select(static sentence => (string)sentence["code"]!));
            Assert.Equal(one.Select(static sentence => sentence["numbers"]?.ToJsonString()), other.Select(static sentence => sentence["numbers"]?.ToJsonString()));
            Assert.InRange(one.Count, 2, 8);
            Assert.Equal($"SCORE_{(string)both.First["verdict"]!}", (string)one[0]["code"]!);
            Assert.All(one, static sentence => Assert.Matches("^[A-Z][ -~]+\\.$", (string)sentence["text"]!));
            Assert.All(other, static sentence => Assert.Matches("[\u4E00-\u9FFF].*。$", (string)sentence["text"]!));
        });
        Assert.All(silent.Lines, static line => Assert.Null(line["explanation"]));
        var shown = table.Output.Split('\n').Where(static line => line.StartsWith("             ", StringComparison.Ordinal)).Select(static line => line.Trim());
        Assert.Equal(chinese.Lines.SelectMany(Sentences).Select(static sentence => (string)sentence["text"]!), shown);
    }

    private static List<JsonNode> Sentences(JsonNode line) => [.. line["explanation"]!.AsArray().OfType<JsonNode>()];

    private static string Name(ExplanationCode code) => LoupeGrpc.Results.WireName.Of(code);

    private static async Task<FrameResult> AnalyzeAsync(RunningServer server, string language)
    {
        var request = new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(Picture) }, Explain = language };
        return (await server.Client.AnalyzeImageAsync(request, cancellationToken: Token)).Result;
    }
}
