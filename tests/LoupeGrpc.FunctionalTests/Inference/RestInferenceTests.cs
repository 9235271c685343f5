using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Inference;

/// <summary><c>/v2</c>: the same as over gRPC, in JSON.</summary>
public sealed partial class RestInferenceTests(NanoEngine nano) : IDisposable
{
    private const string HeaderLength = "Inference-Header-Content-Length";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task In_JSON_files_are_base64()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var expected = await Infer.AskAsync(server, Infer.Files(Infer.Forged, Infer.Authentic));
        var (status, answer, _) = await InferAsync(server, Json($$"""
            {"id":"a","inputs":[{"name":"image","shape":[2],"data":["{{Convert.ToBase64String(Infer.Forged)}}","{{Convert.ToBase64String(Infer.Authentic)}}"],"datatype":"BYTES"}]}
            """));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(("default", nano.Package.Hash[..8], "a"), ((string?)answer["model_name"], (string?)answer["model_version"], (string?)answer["id"]));
        var outputs = answer["outputs"]!.AsArray();
        Assert.Equal(["score", "verdict", "mask", "mask_size"], outputs.Select(static output => (string?)output!["name"]));
        Assert.Equal(["[2]", "[2]", "[2]", "[2,2]"], outputs.Select(static output => output!["shape"]!.ToJsonString()));
        Assert.Equal(expected.Output("score").Contents.Fp32Contents, outputs[0]!["data"]!.AsArray().Select(static value => (float)value!), static (a, b) => Math.Abs(a - b) < 1e-6f);
        Assert.Equal(Infer.Texts(expected.Output("verdict").Contents.BytesContents), outputs[1]!["data"]!.AsArray().Select(static value => (string?)value));
        Assert.Equal(Infer.Texts(expected.Output("mask").Contents.BytesContents), outputs[2]!["data"]!.AsArray().Select(static value => (string?)value));
        Assert.Equal(expected.Output("mask_size").Contents.Int64Contents, outputs[3]!["data"]!.AsArray().Select(static value => (long)value!));
        await Patience.UntilAsync(() => (server.FrameBytes, server.Ledger.Receiving.Held.Bytes) == (0, 0));
    }

    /// <summary>As tritonclient sends and reads them.</summary>
    [Fact]
    public async Task Tensors_may_be_binary_both_ways()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var raw = Infer.Prefixed(Infer.Forged, Infer.Authentic);
        var expected = await Infer.AskAsync(server, Infer.Raw("BYTES", [2], raw).Wanting("score", "verdict", "mask", "mask_size", "soft_mask"));
        var (status, answer, binary) = await InferAsync(server, Binary($$"""
            {"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":{{raw.Length}} } }],
             "outputs":[{"name":"score","parameters":{"binary_data":true} },{"name":"verdict"},{"name":"mask","parameters":{"binary_data":true} },
                        {"name":"mask_size","parameters":{"binary_data":true} },{"name":"soft_mask","parameters":{"binary_data":true} }]}
            """, raw));
        Assert.Equal(HttpStatusCode.OK, status);
        foreach (var output in answer["outputs"]!.AsArray())
        {
            var name = (string)output!["name"]!;
            if (name == "verdict")
            {
                Assert.Equal(["MANIPULATED", "AUTHENTIC"], output["data"]!.AsArray().Select(static value => (string?)value));
                continue;
            }

            Assert.Null(output["data"]);
            var length = (int)output["parameters"]!["binary_data_size"]!;
            if (name is "score" or "soft_mask")
            {
                Assert.Equal(Infer.Numbers<float>(expected.RawOutput(name)), Infer.Numbers<float>(binary[..length]), static (a, b) => Math.Abs(a - b) < 1e-4f);
            }
            else
            {
                Assert.Equal(expected.RawOutput(name), binary[..length]);
            }

            binary = binary[length..];
        }

        Assert.Empty(binary);
        (_, answer, binary) = await InferAsync(server, Binary($$"""
            {"parameters":{"binary_data_output":true},"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":{{raw.Length}} } }]}
            """, raw));
        Assert.All(answer["outputs"]!.AsArray(), static output => Assert.NotNull(output!["parameters"]!["binary_data_size"]));
        Assert.Equal(answer["outputs"]!.AsArray().Sum(static output => (int)output!["parameters"]!["binary_data_size"]!), binary.Length);
    }

    [Fact]
    public async Task Pixels_in_JSON_and_binary_are_the_same()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        byte[] pixels = [.. Enumerable.Range(0, 20 * 30 * 3).Select(static i => (byte)(i * 7))];
        var expected = Infer.Numbers<float>((await Infer.AskAsync(server, Infer.Raw("UINT8", [1, 20, 30, 3], pixels))).RawOutput("score"))[0];
        var rows = new JsonArray([.. pixels.Chunk(90).Select(static row => new JsonArray([.. row.Select(static value => JsonValue.Create(value))]))]);
        foreach (var data in new[] { rows.ToJsonString(), $"[{string.Join(',', pixels)}]" })
        {
            var (_, answer, _) = await InferAsync(server, Json($$"""{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,20,30,3],"data":{{data}}}],"outputs":[{"name":"score"}]}"""));
            Assert.Equal(expected, (float)answer["outputs"]![0]!["data"]![0]!);
        }

        var (_, of, _) = await InferAsync(server, Binary("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,20,30,3],"parameters":{"binary_data_size":1800}}]}""", pixels));
        Assert.Equal(expected, (float)of["outputs"]![0]!["data"]![0]!);
    }

    public static TheoryData<string, int, string> Wrong => new()
    {
        { "", 400, "the body is empty" },
        { "{", 400, "the JSON of the request cannot be read" },
        { "[]", 400, "an object is expected" },
        { "{} {}", 400, "the JSON of the request cannot be read" },
        { """{"id":"\ud800"}""", 400, "the JSON of the request cannot be read" },
        { """{"id":7}""", 400, "id is no text" },
        { """{"inputs":{}}""", 400, "inputs and outputs are arrays" },
        { "{}", 400, "expected 1 inputs but got 0 inputs for model 'default'. Got input(s) [], but missing required input(s) ['image']" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1.5],"data":[""]}]}""", 400, "a shape has whole numbers" },
        { """{"inputs":[{"name":"image","datatype":"FP32","shape":[1],"data":[1]}]}""", 400, "data-type is 'FP32', but model 'default' expects 'BYTES'" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1,1],"data":[""]}]}""", 400, "Expected [-1], got [1,1]" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["?"]}]}""", 400, "no picture in base64" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["","AA=="]}]}""", 400, "more elements than its shape" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[2],"data":["AA=="]}]}""", 400, "1 elements for shape [2]" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1]}]}""", 400, "neither data nor binary_data_size" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}""", 400, "0 bytes stand behind the JSON" },
        { """{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,1,1,3],"data":[1,2,256]}]}""", 400, "no whole number from 0 to 255" },
        { """{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,1,1,3],"data":[1,2]}]}""", 400, "2 bytes for shape [1,1,1,3], which has 3" },
        { """{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,20000,20000,3],"data":[1]}]}""", 400, "1 bytes for shape [1,20000,20000,3]" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"outputs":[{"name":"heat"}]}""", 400, "unexpected inference output 'heat' for model 'default'" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"parameters":{"tiles":"some"}}""", 400, "parameter 'tiles' is 'some': expected auto, native or off" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"parameters":{"low":[1]}}""", 400, "parameter 'low' is '': expected a number" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"parameters":{"sequence_id":7}}""", 400, "must specify the START flag" },
        { """{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}]}""", 400, "" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_is_an_error_with_its_status(string json, int status, string error)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var (answered, answer, _) = await InferAsync(server, Json(json));
        Assert.Equal(status, (int)answered);
        Assert.Equal(["error"], answer.AsObject().Select(static property => property.Key));
        Assert.Contains(error, (string?)answer["error"], StringComparison.Ordinal);
        await Patience.UntilAsync(() => (server.FrameBytes, server.Ledger.Receiving.Held.Bytes) == (0, 0));
    }

    [Theory]
    [InlineData("GET", "/v2/models/huge", 404, "Request for unknown model: 'huge' is not found: expected default")]
    [InlineData("GET", "/v2/models/default/versions/9", 404, "Request for unknown model: 'default' version 9 is not found")]
    [InlineData("GET", "/v2/models/huge/ready", 404, "'huge' is not found")]
    [InlineData("GET", "/v2/models/huge/stats", 404, "'huge' is not found")]
    [InlineData("POST", "/v2/models/huge/infer", 404, "'huge' is not found")]
    [InlineData("POST", "/v2/models/default/versions/9/infer", 404, "version 9 is not found")]
    [InlineData("GET", "/v2/models/default/infer", 405, "GET is not answered here: POST is")]
    [InlineData("POST", "/v2/health/live", 405, "POST is not answered here: GET is")]
    public async Task Addresses_that_are_none_are_told(string method, string path, int status, string error)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var (answered, answer) = await AskAsync(server, new HttpMethod(method), path);
        Assert.Equal(status, (int)answered);
        Assert.Contains(error, (string?)answer["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_are_told_as_over_gRPC()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var version = nano.Package.Hash[..8];
        Assert.Equal("""{"live":true}""", (await AskAsync(server, HttpMethod.Get, "/v2/health/live")).Answer.ToJsonString());
        Assert.Equal("""{"ready":true}""", (await AskAsync(server, HttpMethod.Get, "/v2/health/ready")).Answer.ToJsonString());
        Assert.Equal("""{"name":"default","ready":true}""", (await AskAsync(server, HttpMethod.Get, $"/v2/models/default/versions/{version}/ready")).Answer.ToJsonString());
        Assert.Equal("loupe-grpc-server", (string?)(await AskAsync(server, HttpMethod.Get, "/v2")).Answer["name"]);
        Assert.Equal($$"""[{"name":"default","version":"{{version}}","state":"READY","reason":""}]""", (await AskAsync(server, HttpMethod.Post, "/v2/repository/index")).Answer.ToJsonString());
        var metadata = (await AskAsync(server, HttpMethod.Get, "/v2/models/default")).Answer;
        Assert.Equal($$"""["{{version}}"]""", metadata["versions"]!.ToJsonString());
        var message = await Infer.Service(server).ModelMetadataAsync(new ModelMetadataRequest { Name = "default" }, cancellationToken: Patience.Token());
        Assert.Equal(
            message.Inputs.Concat(message.Outputs).Select(static tensor => (tensor.Name, tensor.Datatype, $"[{string.Join(',', tensor.Shape)}]", tensor.Parameters["description"].StringParam)),
            metadata["inputs"]!.AsArray().Concat(metadata["outputs"]!.AsArray()).Select(
                static tensor => ((string)tensor!["name"]!, (string)tensor["datatype"]!, tensor["shape"]!.ToJsonString(), (string)tensor["parameters"]!["description"]!)));
        Assert.Equal("TYPE_STRING", (string?)(await AskAsync(server, HttpMethod.Get, "/v2/models/default/config")).Answer["input"]![0]!["data_type"]);

        await InferAsync(server, Picture());
        foreach (var path in new[] { "/v2/models/stats", "/v2/models/default/stats", $"/v2/models/default/versions/{version}/stats" })
        {
            var statistics = (await AskAsync(server, HttpMethod.Get, path)).Answer["model_stats"]![0]!;
            Assert.Equal((1, 1, 0), ((int)statistics["inference_count"]!, (int)statistics["inference_stats"]!["success"]!["count"]!, (int)statistics["inference_stats"]!["fail"]!["count"]!));
            Assert.True((long)statistics["inference_stats"]!["compute_infer"]!["ns"]! > 0);
        }
    }

    /// <summary>The two doors lead to the same sequences.</summary>
    [Fact]
    public async Task A_sequence_may_go_on_over_gRPC()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        var frame = AdaptingStream.Frame(0).Frame.Encoded.Data.ToByteArray();
        var (status, answer, _) = await InferAsync(server, Json($$"""
            {"parameters":{"sequence_id":7,"sequence_start":true,"sequence_end":false,"mask":"always"},"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["{{Convert.ToBase64String(frame)}}"]}]}
            """));
        Assert.Equal((HttpStatusCode.OK, 0), (status, (int)answer["parameters"]!["adaptation_step"]!));
        var next = await Infer.AskAsync(server, Infer.Files(frame).With("sequence_id", 7).With("sequence_end", true));
        Assert.True(next.Parameters.ContainsKey("adaptation_step"));
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task Bodies_have_limits_and_no_encoding()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1 << 10 } });
        var (status, answer, _) = await InferAsync(server, Json(new string(' ', (1 << 20) + (1 << 10) + 1)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", (string?)answer["error"], StringComparison.Ordinal);
        var body = Picture();
        body.Headers.ContentEncoding.Add("gzip");
        (status, answer, _) = await InferAsync(server, body);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
        Assert.Contains("gzip", (string?)answer["error"], StringComparison.Ordinal);
        var wrong = Json("{}");
        wrong.Headers.Add(HeaderLength, "9");
        (status, answer, _) = await InferAsync(server, wrong);
        Assert.Equal((HttpStatusCode.BadRequest, $"{HeaderLength} is '9', and the body has 2 bytes"), (status, (string?)answer["error"]));
    }

    [Fact]
    public async Task A_server_that_hangs_is_not_ready()
    {
        var analyzer = new ScriptedAnalyzer { IsOverdue = true };
        await using var server = await RunningServer.StartAsync(analyzer);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(server, HttpMethod.Get, "/v2/health/ready")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(server, HttpMethod.Get, "/v2/models/default/ready")).Status);
        Assert.False((await Infer.Service(server).ServerReadyAsync(new ServerReadyRequest(), cancellationToken: Patience.Token())).Ready);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(server, HttpMethod.Get, "/v2/health/live")).Status);
    }

    [Fact]
    public async Task Who_may_not_come_in_is_told_so_in_the_same_form()
    {
        using var files = new TemporaryDirectory();
        await SecureServer.AddKeyAsync(files["keys.json"], "one", Role.Analyse);
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Security = new SecurityOptions { Keys = files["keys.json"] } });
        var (status, answer) = await AskAsync(server, HttpMethod.Get, "/v2/models/default");
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Contains("send a key", (string?)answer["error"], StringComparison.Ordinal);
    }

    /// <summary>The line of the README against the real program.</summary>
    [Fact]
    public async Task The_line_of_the_README_is_answered()
    {
        using var cache = new TemporaryDirectory();
        await using var server = ServerProcess.Start(
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "http://127.0.0.1:0"], ("XDG_CACHE_HOME", cache.FullName));
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        var line = CurlLine().Match(await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "README.md"), Patience.Token()));
        Assert.True(line.Success);

        var printed = Encoding.UTF8.GetString(SystemTool.Run(
            "/bin/sh", "-c", $"cd '{TestData.RepositoryRoot}' && {line.Value.Replace("http://127.0.0.1:5007", ready.Groups["web"].Value, StringComparison.Ordinal)}"));

        Assert.Equal("MANIPULATED", (string?)JsonNode.Parse(printed)!["outputs"]![1]!["data"]![0]);
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private static ByteArrayContent Binary(string json, byte[] binary)
    {
        var header = Encoding.UTF8.GetBytes(json);
        return new ByteArrayContent([.. header, .. binary])
        {
            Headers = { { HeaderLength, header.Length.ToString(CultureInfo.InvariantCulture) }, { "Content-Type", "application/octet-stream" } },
        };
    }

    private static ByteArrayContent Picture() => new(Infer.Forged) { Headers = { { HeaderLength, "0" } } };

    private async Task<(HttpStatusCode Status, JsonNode Answer, byte[] Binary)> InferAsync(RunningServer server, HttpContent body)
    {
        using var response = await _http.PostAsync(new Uri(server.Server.Web!, "/v2/models/default/infer"), body, Patience.Token());
        var answer = await response.Content.ReadAsByteArrayAsync(Patience.Token());
        var length = response.Headers.TryGetValues(HeaderLength, out var values) ? int.Parse(values.Single(), CultureInfo.InvariantCulture) : answer.Length;
        return (response.StatusCode, JsonNode.Parse(answer.AsSpan(0, length))!, answer[length..]);
    }

    private async Task<(HttpStatusCode Status, JsonNode Answer)> AskAsync(RunningServer server, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, new Uri(server.Server.Web!, path));
        using var response = await _http.SendAsync(request, Patience.Token());
        Assert.Equal(new MediaTypeHeaderValue("application/json"), response.Content.Headers.ContentType);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Patience.Token()))!);
    }

    [GeneratedRegex(@"^ready (?<grpc>\S+) operations=\S+ web=(?<web>\S+) ")]
    private static partial Regex Ready();

    [GeneratedRegex(@"curl .*http://127\.0\.0\.1:5007/v2/\S+")]
    private static partial Regex CurlLine();
}
