using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Stores;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Receipts;

/// <summary>Receipts from each door of the server, with the embedded model: what stands in them, and how those of a session follow each other.</summary>
public sealed class ReceiptTests : IDisposable
{
    private static readonly byte[] Picture = File.ReadAllBytes(TestData.Sample("forged-cat-inpainted.png"));

    private readonly NanoEngine _nano;
    private readonly TemporaryDirectory _folder = new();
    private readonly ReceiptPublicKey _key;

    public ReceiptTests(NanoEngine nano)
    {
        _nano = nano;
        _key = ReceiptKeyFile.Create(_folder["receipts.key"]);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LoupeOptions Signing => new() { Receipts = new ReceiptOptions { Key = _folder["receipts.key"] } };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_door_signs_the_same()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 11, 27, 12, 0, 0, 123, TimeSpan.Zero));
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing, clock);
        var answer = await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = Encoded(Picture), Receipt = true }, cancellationToken: Token);
        using var session = await server.OpenAsync(new OpenSession { Receipts = true });
        await session.SendFrameAsync(41, static frame => frame.Encoded = Encoded(Picture));
        var streamed = (await session.NextOutcomeAsync()).Result;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent(Picture) { Headers = { ContentType = new("image/png") } };
        using var posted = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?receipt=true"), body, Token);
        var line = JsonNode.Parse(await posted.Content.ReadAsStringAsync(Token))!;

        Assert.True(session.Grant.Receipts);
        Receipt[] receipts = [Read(answer.Result.Receipt), Read(streamed.Receipt), Read(ByteString.CopyFromUtf8(line["receipt"]!.ToJsonString()))];
        Assert.Equal(receipts[0].Statement.Predicate.Result!.Score, answer.Result.Score);
        foreach (var receipt in receipts)
        {
            var (said, result) = (receipt.Statement.Predicate, answer.Result);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Picture)), receipt.SubjectSha256);
            Assert.Equal((result.Score, "MANIPULATED"), (said.Result!.Score, said.Result.Verdict));
            Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(result.Mask.Rle.Counts))), (long)result.Mask.Area), (said.Result.Mask!.Sha256, said.Result.Mask.Area));
            Assert.Equal((answer.Model.Hash, true), (said.Model!.Sha256, said.Model.Demonstration));
            Assert.Equal(("CPU", "fp32"), (said.Execution!.Provider, said.Execution.Precision));
            Assert.StartsWith("ONNX Runtime 1.", said.Execution.Runtime, StringComparison.Ordinal);
            Assert.Equal(("PNG", PixelDigest(Picture)), (said.Picture!.Format, said.Picture.PixelsSha256));
            Assert.Matches("^OpenCV [0-9.]+", said.Picture.Decoder);
            Assert.Equal(new ReceiptSettings(0.4f, 0.6f, "WHEN_SUSPECTED", "OFF", 256, 0), said.Settings);
            Assert.Equal(0ul, said.Chain.Index);
            Assert.Equal(clock.GetUtcNow(), said.Time);
        }

        Assert.Equal(new ReceiptSession(session.Grant.SessionId, string.Empty, 0, 41), receipts[1].Statement.Predicate.Session);
        Assert.Null(receipts[0].Statement.Predicate.Session);
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Token);
        Assert.Equal((_key.Id, ByteString.CopyFrom(_key.Info.Span)), (info.ReceiptKey.KeyId, info.ReceiptKey.PublicKey));
    }

    [Fact]
    public async Task Who_does_not_ask_gets_none_and_pays_nothing()
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        var answer = await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = Encoded(Picture) }, cancellationToken: Token);
        using var session = await server.OpenAsync(new OpenSession());
        await session.SendFrameAsync(1, static frame => frame.Encoded = Encoded(Picture));
        await session.CompleteAsync();
        var rest = await session.RestAsync();

        Assert.True(answer.Result.Receipt.IsEmpty);
        Assert.False(session.Grant.Receipts);
        Assert.True(rest[0].Outcome.Result.Receipt.IsEmpty && rest[^1].Summary.Receipt.IsEmpty);
    }

    [Fact]
    public async Task A_server_without_a_key_says_so_at_each_door()
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer);
        var single = await Assert.ThrowsAsync<RpcException>(() =>
            server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = Encoded(Picture), Receipt = true }, cancellationToken: Token).ResponseAsync);
        using var session = await server.OpenAsync(new OpenSession { Receipts = true });
        await session.SendFrameAsync(1, static frame => frame.Encoded = Encoded(Picture));
        var outcome = await session.NextOutcomeAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent(Picture) { Headers = { ContentType = new("image/png") } };
        using var posted = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?receipt=true"), body, Token);

        Assert.Equal(StatusCode.Unimplemented, single.StatusCode);
        Assert.Contains("Loupe:Receipts:Key", single.Status.Detail, StringComparison.Ordinal);
        Assert.False(session.Grant.Receipts);
        Assert.Contains("Loupe:Receipts:Key", Assert.Single(session.Grant.Unavailable, static missing => missing.Feature == "receipts").Reason, StringComparison.Ordinal);
        Assert.True(outcome.Result.Receipt.IsEmpty);
        Assert.Equal(HttpStatusCode.BadRequest, posted.StatusCode);
        Assert.Contains("Loupe:Receipts:Key", await posted.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    /// <summary>Frames that fail have none, and leave no gap.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Receipts_of_a_session_follow_each_other_to_its_end(bool unordered)
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        using var session = await server.OpenAsync(new OpenSession { Receipts = true, Unordered = unordered, SessionName = "gate 3" });
        for (var number = 0u; number < 6; number++)
        {
            await session.SendFrameAsync(number, frame => frame.Encoded = Encoded(frame.FrameId == 2 ? "no picture"u8.ToArray() : Picture));
        }

        await session.CompleteAsync();
        var rest = await session.RestAsync();
        var receipts = ReceiptsOf(rest);

        Assert.Equal(6, receipts.Count);
        Assert.Empty(ChainCheck.Examine(receipts));
        Assert.Equal(new ReceiptEnd(6, 5), receipts[^1].Statement.Predicate.End);
        Assert.Equal([0ul, 1, 2, 3, 4, 5], receipts.Select(static receipt => receipt.Link.Index));
        Assert.Equal([0ul, 1, 3, 4, 5], receipts.SkipLast(1).Select(static receipt => receipt.Statement.Predicate.Session!.Sequence).Order().ToList());
        // Without its last results the end shows it.
        Assert.NotEmpty(ChainCheck.Examine([.. receipts.Take(4), receipts[^1]]));
    }

    /// <summary>The digest is of the mask, whatever it is sent as, and also where it is not sent.</summary>
    [Theory]
    [InlineData(MaskEncoding.Png, 0)]
    [InlineData(MaskEncoding.SoftPng, 0)]
    [InlineData(MaskEncoding.Rle, 8)]
    public async Task The_mask_is_named_whatever_it_is_sent_as(MaskEncoding encoding, uint maxBytes)
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        var plain = await AnalyzeAsync(server, new MaskSettings());
        var other = await AnalyzeAsync(server, new MaskSettings { Encoding = encoding, MaxBytes = maxBytes });
        var none = await AnalyzeAsync(server, new MaskSettings { Policy = MaskPolicy.Never });

        Assert.Equal(Read(plain.Receipt).Statement.Predicate.Result!.Mask, Read(other.Receipt).Statement.Predicate.Result!.Mask);
        Assert.Null(Read(none.Receipt).Statement.Predicate.Result!.Mask);
        Assert.Equal("NEVER", Read(none.Receipt).Statement.Predicate.Settings!.MaskPolicy);
    }

    [Fact]
    public async Task Tiles_stand_in_it_and_the_pixels_are_those_of_the_whole_picture()
    {
        var large = File.ReadAllBytes(TestData.Sample("authentic-coffee.jpg"));
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        var request = new AnalyzeImageRequest { Encoded = Encoded(large), Receipt = true, Mask = new MaskSettings { Policy = MaskPolicy.Always }, Tiles = new TileSettings { Policy = TilePolicy.Native, MaxTiles = 9 } };
        var result = (await server.Client.AnalyzeImageAsync(request, cancellationToken: Token)).Result;
        var said = Read(result.Receipt).Statement.Predicate;

        Assert.Equal(("NATIVE", 9), (said.Settings!.TilePolicy, said.Settings.MaxTiles));
        Assert.Equal(((int)result.Tiles.Analysed, (int)result.Tiles.Total), (said.Result!.Tiles!.Analysed, said.Result.Tiles.Of));
        Assert.Equal(PixelDigest(large), said.Picture!.PixelsSha256);
        Assert.Equal((long)result.Mask.Area, said.Result.Mask!.Area);
    }

    [Fact]
    public async Task The_frames_whose_tiles_count_stand_in_it()
    {
        var picture = File.ReadAllBytes(TestData.Sample("authentic-coffee.jpg"));
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        using var session = await server.OpenAsync(new OpenSession
        {
            Receipts = true,
            Mask = new MaskSettings { Policy = MaskPolicy.Always },
            Tiles = new TileSettings { Policy = TilePolicy.Native, TilesPerFrame = 1, WindowFrames = 2 },
        });
        for (ulong id = 0; id < 3; id++)
        {
            await session.SendFrameAsync(id, frame => frame.Encoded = Encoded(picture));
            var receipt = (await session.NextOutcomeAsync()).Result.Receipt;
            var said = Read(receipt).Statement.Predicate;
            var frames = Math.Min((int)id + 1, 2);
            Assert.Equal((1, 2), (said.Settings!.TilesPerFrame, said.Settings.WindowFrames));
            Assert.Equal((frames, new ReceiptTileWindow(frames, 1, frames)), (said.Result!.Tiles!.Analysed, said.Result.Tiles.Window));
            Assert.InRange(receipt.Length, 1, 6144);
        }
    }

    [Fact]
    public async Task Raw_pixels_are_what_was_received()
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        var pixels = RandomNumberGenerator.GetBytes(64 * 48 * 3);
        var raw = new RawImage { Data = ByteString.CopyFrom(pixels), Format = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = 64, Height = 48 } };
        var result = (await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Raw = raw, Receipt = true }, cancellationToken: Token)).Result;
        var receipt = Read(result.Receipt);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(pixels)), receipt.SubjectSha256);
        Assert.Equal(new ReceiptPicture("raw BGR24", 64, 48, 1), receipt.Statement.Predicate.Picture);
    }

    [Fact]
    public async Task A_session_that_adapts_says_with_what_it_answered()
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing);
        var open = AdaptingStream.Open();
        open.Receipts = true;
        using var session = await server.OpenAsync(open);
        for (var number = 0; number < 4; number++)
        {
            await AdaptingStream.SendFrameAsync(session, number);
        }

        await session.CompleteAsync();
        var rest = await session.RestAsync();
        var outcomes = rest.Where(static response => response.Outcome is not null).Select(static response => response.Outcome.Result);
        Assert.Contains(outcomes, static result => result.Adaptation.Step > 0);
        Assert.All(outcomes, result =>
        {
            var said = Read(result.Receipt).Statement.Predicate.Adaptation!;
            Assert.Equal(((long)result.Adaptation.Step, Convert.ToHexStringLower(result.Adaptation.Hash.Span), result.Adaptation.Frozen), (said.Step, said.Sha256, said.Frozen));
            Assert.Equal(new ReceiptLearning(5e-4, 1, 0.3f, 1, 0, new ReceiptGuard("ROLLBACK", 4, 16, 0.1f, 0.25f, 3)), said.Settings);
        });
    }

    /// <summary>What is sent again after a connection broke are the same receipts, and none is missing.</summary>
    [Fact]
    public async Task A_broken_connection_breaks_no_chain()
    {
        await using var server = await RunningServer.StartAsync(_nano.Analyzer, Signing with { Sessions = RunningServer.LongWindow.Sessions });
        using var connection = server.Connect();
        var session = await connection.OpenAsync(new OpenSession { Receipts = true, Resumable = true });
        for (var number = 0u; number < 3; number++)
        {
            await session.SendFrameAsync(number, static frame => frame.Encoded = Encoded(Picture));
        }

        var first = await session.NextAsync();
        var second = await session.NextAsync();
        await server.BreakAsync(connection);
        session.Received--;
        using var resumed = await server.ResumeAsync(session);
        Assert.True(resumed.Grant.Receipts);
        await resumed.CompleteAsync();
        var rest = await resumed.RestAsync();

        Assert.Equal(second.Outcome.Result.Receipt, rest[0].Outcome.Result.Receipt);
        var receipts = ReceiptsOf([first, .. rest]);
        Assert.Equal(4, receipts.Count);
        Assert.Empty(ChainCheck.Examine(receipts));
    }

    /// <summary>Servers with keys of their own, one after the other.</summary>
    [Fact]
    public async Task The_server_that_goes_on_with_a_session_goes_on_with_its_chain()
    {
        var other = ReceiptKeyFile.Create(_folder["other.key"]);
        await using var redis = await RedisProcess.StartAsync();
        var sessions = new SessionOptions { Store = redis.Address() };
        await using var first = await RunningServer.StartAsync(_nano.Analyzer, Signing with { Sessions = sessions });
        await using var second = await RunningServer.StartAsync(_nano.Analyzer, new LoupeOptions { Sessions = sessions, Receipts = new ReceiptOptions { Key = _folder["other.key"] } });
        using var session = await first.OpenAsync(new OpenSession { Receipts = true, Resumable = true });
        await session.SendFrameAsync(0, static frame => frame.Encoded = Encoded(Picture));
        await session.SendFrameAsync(1, static frame => frame.Encoded = Encoded(Picture));
        List<AnalyzeResponse> responses = [await session.NextAsync(), await session.NextAsync()];
        await first.Server.StopAsync();
        using var next = await second.ResumeAsync(session);
        await next.SendFrameAsync(2, static frame => frame.Encoded = Encoded(Picture));
        await next.CompleteAsync();
        responses.AddRange(await next.RestAsync());

        Assert.True(next.Grant.Receipts);
        var receipts = ReceiptsOf(responses, _key, other);
        Assert.Empty(ChainCheck.Examine(receipts));
        Assert.Equal([_key.Id, _key.Id, other.Id, other.Id], receipts.Select(receipt => receipt.SignerAmong([_key, other])!.Id));
        Assert.Equal(new ReceiptEnd(3, 3), receipts[^1].Statement.Predicate.End);
    }

    /// <summary>Its record knows less than its client: what else was signed there is not known.</summary>
    [Fact]
    public async Task A_lost_server_leaves_a_chain_without_an_end_and_the_next_one_names_it()
    {
        await using var redis = await RedisProcess.StartAsync();
        var options = Signing with { Sessions = new SessionOptions { Store = redis.Address(), CheckpointInterval = 1000 } };
        await using var first = await RunningServer.StartAsync(_nano.Analyzer, options);
        await using var second = await RunningServer.StartAsync(_nano.Analyzer, options);
        using var session = await first.OpenAsync(new OpenSession { Receipts = true, Resumable = true });
        await session.SendFrameAsync(0, static frame => frame.Encoded = Encoded(Picture));
        var before = await session.NextAsync();
        await redis.UntilStoredAsync(static facts => facts.Frames == 0);
        using var next = await RunningServer.OpenAsync(second.Call(), new OpenSession
        {
            Receipts = true,
            Resumable = true,
            ResumeToken = session.Grant.ResumeToken,
            ResponsesReceived = session.Received,
            FramesAnswered = 1,
        });
        await next.SendFrameAsync(1, static frame => frame.Encoded = Encoded(Picture));
        await next.CompleteAsync();
        var after = ReceiptsOf(await next.RestAsync());

        var lost = Read(before.Outcome.Result.Receipt);
        Assert.True(next.Grant.Resumed);
        Assert.NotEqual(lost.Link.Id, after[0].Link.Id);
        Assert.Equal(new ReceiptPlace(lost.Link.Id, 0, null), after[0].Link.Follows);
        var finding = Assert.Single(ChainCheck.Examine([lost, .. after]));
        Assert.False(finding.IsBroken);
        Assert.Equal(lost.Link.Id, finding.Id);
    }

    private static EncodedImage Encoded(byte[] bytes) => new() { Data = ByteString.CopyFrom(bytes) };

    private static string PixelDigest(byte[] file)
    {
        using var picture = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
        picture.GetArray(out Vec3b[] pixels);
        return Convert.ToHexStringLower(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(pixels.AsSpan())));
    }

    private static async Task<FrameResult> AnalyzeAsync(RunningServer server, MaskSettings mask) =>
        (await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = Encoded(Picture), Receipt = true, Mask = mask }, cancellationToken: Token)).Result;

    private List<Receipt> ReceiptsOf(IEnumerable<AnalyzeResponse> responses, params ReceiptPublicKey[] keys) =>
    [
        .. responses.Select(static response => response.Outcome?.Result?.Receipt ?? response.Summary?.Receipt ?? ByteString.Empty)
            .Where(static receipt => !receipt.IsEmpty).Select(receipt => Read(receipt, keys)),
    ];

    private Receipt Read(ByteString line, params ReceiptPublicKey[] keys)
    {
        Assert.InRange(line.Length, 500, 6 << 10);
        Assert.True(Receipt.TryRead(line.Span, out var receipt, out var problem), problem);
        Assert.NotNull(receipt.SignerAmong(keys.Length == 0 ? [_key] : keys));
        return receipt;
    }
}
