using System.Text.Json.Nodes;
using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>What files say of where they come from, by each door of the server and by the tool.</summary>
public sealed class ProvenanceTests(NanoEngine nano)
{
    private static readonly byte[] Signed = File.ReadAllBytes(Golden("stamped.jpg"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Golden(string name) => TestData.Golden("provenance", name);

    [Fact]
    public async Task Every_door_says_the_same()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var single = await AnalyzeAsync(server, Signed);
        using var session = await server.OpenAsync(new OpenSession());
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Signed) });
        var streamed = (await session.NextOutcomeAsync()).Result;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent(Signed) { Headers = { ContentType = new("image/jpeg") } };
        using var posted = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze"), body, Token);
        var line = JsonNode.Parse(await posted.Content.ReadAsStringAsync(Token))!["provenance"]!;

        var credentials = single.Provenance.ContentCredentials;
        Assert.All(
            new[] { credentials.Reading, credentials.Binding, credentials.Assertions, credentials.Signature, credentials.Chain, credentials.TimeStamp, credentials.Validity },
            static check => Assert.Equal((CredentialsCheckResult.Holds, ""), (check.Result, check.Reason)));
        Assert.Equal((CredentialsCheckResult.NotJudged, "no trust list is configured"), (credentials.Trust.Result, credentials.Trust.Reason));
        Assert.Equal(("loupe-grpc tests 1.0", "Coffee", "ES256", 1u), (credentials.ClaimGenerator, credentials.Title, credentials.Algorithm, credentials.Manifests));
        Assert.Equal(["trainedAlgorithmicMedia"], credentials.DigitalSourceTypes);
        Assert.Equal(["CN=Signer ES256, O=LoupeGrpc tests", "CN=Test intermediate, O=LoupeGrpc tests"], credentials.Certificates.Select(static certificate => certificate.Subject));
        Assert.All(credentials.Certificates, static certificate => Assert.Equal(32, certificate.Sha256.Length));
        Assert.Equal(JpegTables.Other, single.Provenance.JpegTables);
        Assert.Equal(single.Provenance, streamed.Provenance);

        var json = line["content_credentials"]!;
        Assert.Equal("HOLDS", (string)json["binding"]!["result"]!);
        Assert.Equal("no trust list is configured", (string)json["trust"]!["reason"]!);
        Assert.Equal(credentials.SignedAt.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture), (string)json["signed_at"]!);
        Assert.Equal(Convert.ToHexStringLower(credentials.Certificates[0].Sha256.Span), (string)json["certificates"]![0]!["sha256"]!);
        Assert.Equal("OTHER", (string)line["jpeg_tables"]!);
        Assert.Null(line["software"]);
    }

    [Fact]
    public async Task A_changed_picture_is_told_and_its_score_is_its_own()
    {
        var changed = Signed.ToArray();
        changed[^40] ^= 1;
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var told = await AnalyzeAsync(server, changed);

        Assert.Equal(CredentialsCheckResult.Fails, told.Provenance.ContentCredentials.Binding.Result);
        Assert.Equal(CredentialsCheckResult.Holds, told.Provenance.ContentCredentials.Signature.Result);
        Assert.Contains(told.Explanation, static sentence => sentence.Code == ExplanationCode.CredentialsOfOtherBytes);

        // What claims of another picture are is not said of this one.
        Assert.DoesNotContain(told.Explanation, static sentence => sentence.Code == ExplanationCode.CredentialsClaimGenerated);
    }

    [Fact]
    public async Task Of_a_file_that_says_nothing_there_is_nothing()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        Assert.Null((await AnalyzeAsync(server, await File.ReadAllBytesAsync(TestData.Sample("authentic-astronaut.png"), Token))).Provenance);

        var usual = (await AnalyzeAsync(server, await File.ReadAllBytesAsync(TestData.Sample("authentic-coffee.jpg"), Token))).Provenance;
        Assert.Equal((null, "", JpegTables.Libjpeg), (usual.ContentCredentials, usual.Software, usual.JpegTables));
        Assert.InRange(usual.CalculateSize(), 4, 6);
    }

    [Fact]
    public async Task The_tool_shows_it_in_its_table_its_lines_and_its_report()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var folder = Directory.CreateTempSubdirectory("loupe-tests-");
        try
        {
            var report = Path.Combine(folder.FullName, "report.html");
            string[] analyze = ["analyze", Golden("stamped.jpg"), Golden("plain.jpg"), "--server", server.Server.Grpc.ToString()];

            var table = await CliRun.OfAsync([.. analyze, "--report", report]);
            var lines = await CliRun.OfAsync([.. analyze, "--format", "jsonl"]);

            Assert.Contains("stamped.jpg", table.Output, StringComparison.Ordinal);
            Assert.Single(table.Output.Split('\n'), static line => line.Contains("[credentials: hold, signer not judged]", StringComparison.Ordinal));
            Assert.Equal("loupe-grpc tests 1.0", (string)lines.Lines[0]["provenance"]!["content_credentials"]!["claim_generator"]!);
            Assert.Null(lines.Lines[1]["provenance"]!["content_credentials"]);
            var codes = lines.Lines[0]["explanation"]!.AsArray().Select(static sentence => (string)sentence!["code"]!).Where(static code => code.StartsWith("CREDENTIALS", StringComparison.Ordinal));
            Assert.Equal(["CREDENTIALS_HOLD", "CREDENTIALS_SIGNER_UNKNOWN", "CREDENTIALS_CLAIM_GENERATED"], codes);
            var page = await File.ReadAllTextAsync(report, Token);
            Assert.Contains("<dt>Content Credentials</dt><dd>hold, signer not judged</dd>", page, StringComparison.Ordinal);
            Assert.Contains("CN=Signer ES256, O=LoupeGrpc tests, issued by CN=Test intermediate", page, StringComparison.Ordinal);
            Assert.Contains("<dt>JPEG tables</dt><dd>other than libjpeg's</dd>", page, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<FrameResult> AnalyzeAsync(RunningServer server, byte[] picture)
    {
        var request = new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(picture) }, Explain = "en" };
        return (await server.Client.AnalyzeImageAsync(request, cancellationToken: Token)).Result;
    }
}
