using System.Text.Json.Nodes;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.V1.AdaptationSettings;
using Cut = LoupeGrpc.FunctionalTests.Infrastructure.CuttingProxy.Cut;
using MaskPolicy = LoupeGrpc.V1.MaskPolicy;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>The client and the real server with a bad network between them.</summary>
public sealed class CutConnectionTests(NanoEngine nano) : IAsyncLifetime
{
    private const int Frames = 8;

    /// <summary>Frames are about 140 kB, outcomes about 700 bytes: in the grant, in frames, in outcomes, between them.</summary>
    private static readonly Cut[] Cuts =
    [
        new(AfterReceived: 200), new(AfterSent: 200_000), new(AfterReceived: 1_500), new(AfterSent: 150_000), new(AfterReceived: 1_500),
        new(AfterSent: 300), new(AfterReceived: 400),
    ];

    private RunningServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_adapting_stream_is_answered_with_the_same_bytes_whether_or_not_it_was_cut()
    {
        var (whole, snapshot) = await StreamAsync(_server.Server.Grpc);
        await using var proxy = new CuttingProxy(_server.Server.Grpc, Cuts);

        var (cut, cutSnapshot) = await StreamAsync(proxy.Address);

        Assert.Equal(Cuts.Length, proxy.Resets);
        Assert.Equal(whole, cut);
        Assert.Equal(snapshot, cutSnapshot);
        // The first cut falls into the grant: that session waits for nobody, until its window has passed. Those that were completed are gone.
        await _server.UntilParkedAsync();
    }

    [Fact]
    public async Task A_snapshot_that_was_cut_in_the_middle_comes_again()
    {
        // The state is some hundred kilobytes.
        await using var proxy = new CuttingProxy(_server.Server.Grpc, new Cut(AfterReceived: 100_000), new Cut(AfterReceived: 50_000));
        var (_, whole) = await StreamAsync(_server.Server.Grpc);

        var (_, cut) = await StreamAsync(proxy.Address);

        Assert.InRange(whole.Length, 150_000, int.MaxValue);
        Assert.Equal(2, proxy.Resets);
        Assert.Equal(whole, cut);
    }

    [Fact]
    public async Task The_program_shows_the_break_and_goes_on()
    {
        using var folder = new TemporaryDirectory();
        for (var i = 0; i < Frames; i++)
        {
            File.Copy(FrameFile(i), folder[$"{i:000}.png"]);
        }

        string[] args = ["stream", folder.FullName, "--adapt", "--mask", "always", "--format", "jsonl", "--server"];
        var whole = await CliRun.OfAsync([.. args, _server.Server.Grpc.ToString()]);
        await using var proxy = new CuttingProxy(_server.Server.Grpc, new Cut(AfterSent: 300_000), new Cut(AfterReceived: 2_000));

        var cut = await CliRun.OfAsync([.. args, proxy.Address.ToString()]);

        Assert.Equal(whole.ExitCode, cut.ExitCode);
        Assert.Equal(whole.Lines.Select(Essence), cut.Lines.Select(Essence));
        Assert.Equal(proxy.Resets, cut.Error.Split("warning: the connection to ").Length - 1);
        Assert.Equal(2, proxy.Resets);

        static string Essence(JsonNode line) => $"{line["frame_id"]} {line["score"]} {line["adaptation"]} {line["mask"]}";
    }

    [Fact]
    public async Task Another_client_that_takes_the_session_over_keeps_it()
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = _server.Server.Grpc });
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);

        using var other = await _server.OpenAsync(new OpenSession { ResumeToken = session.Grant.ResumeToken });

        Assert.True(other.Grant.Resumed);
        Assert.Empty(await session.Results(Token).ToListAsync(Patience.Token()));
        Assert.Contains("another connection took over the session", session.Fault!.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.SendAsync(Picture(0), Token).AsTask());
        await other.SendFrameAsync(0, frame => frame.Encoded.Data = Google.Protobuf.ByteString.CopyFrom(File.ReadAllBytes(FrameFile(0))));
        Assert.NotNull((await other.NextOutcomeAsync()).Result);
    }

    [Fact]
    public async Task A_server_that_was_restarted_does_not_have_the_session_any_more()
    {
        await using var proxy = new CuttingProxy(_server.Server.Grpc);
        await using var restarted = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        using var client = new LoupeClient(new LoupeClientOptions { Address = proxy.Address });
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var results = session.Results(Token).GetAsyncEnumerator(Token);
        await session.SendAsync(Picture(0), Token);
        Assert.True(await results.MoveNextAsync());

        proxy.Server = restarted.Server.Grpc;
        proxy.CutNow();

        Assert.False(await results.MoveNextAsync().AsTask().WaitAsync(Patience.Token()));
        Assert.Contains("or the server was restarted", session.Fault!.Message, StringComparison.Ordinal);
        // The new server keeps nothing for a client that will not come back.
        await Patience.UntilAsync(() => restarted.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_client_that_is_done_leaves_nothing_behind()
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = _server.Server.Grpc });
        var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var results = session.Results(Token).GetAsyncEnumerator(Token);
        await session.SendAsync(Picture(0), Token);
        Assert.True(await results.MoveNextAsync());

        await session.DisposeAsync();

        await Patience.UntilAsync(() => _server.Sessions.Count == 0);
    }

    private static string FrameFile(int number) => TestData.Golden("nano-tta", "scale", $"frame-{number:000}.png");

    private static EncodedFrame Picture(int number) => new(File.ReadAllBytes(FrameFile(number))) { FrameId = (ulong)number };

    /// <summary>Some frames, a change of thresholds among them, a snapshot behind them.</summary>
    private static async Task<(List<string> Answers, byte[] Snapshot)> StreamAsync(Uri address)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = address });
        var session = await client.OpenSessionAsync(
            new LoupeSessionOptions
            {
                Adaptation = new AdaptationSettings { Enabled = true },
                Mask = new MaskSettings { Policy = MaskPolicy.Always },
                MaxFramesInFlight = 2,
            },
            Token);
        await using var owned = session;
        var reading = session.Results(Patience.Token()).Select(Essence).ToListAsync(Patience.Token()).AsTask();
        var controls = new List<Task<ControlReply>>();
        for (var i = 0; i < Frames; i++)
        {
            await session.SendAsync(Picture(i), Patience.Token());
            controls.Add(session.SetThresholdsAsync(new Thresholds { Low = 0.1f, High = 0.5f + (i / 100f) }, Patience.Token()));
        }

        var snapshot = await session.SnapshotAdaptationAsync(Patience.Token());
        Assert.Equal((ulong)Frames, (await session.CompleteAsync(Patience.Token())).Results);
        var answers = await reading;
        var replies = await Task.WhenAll(controls);
        return ([.. answers, .. replies.Select(reply => $"{reply.ControlId}: {reply.Thresholds.High} {reply.Adaptation.Hash.ToBase64()}")], snapshot.Snapshot.ToByteArray());

        static string Essence(LoupeOutcome outcome)
        {
            var result = Assert.IsType<LoupeResult>(outcome).Result;
            return $"{outcome.FrameId} {result.Score:R} {result.Thresholds.High} {result.Adaptation.Step} {result.Adaptation.Hash.ToBase64()} {result.Mask.Rle.Counts}";
        }
    }
}
