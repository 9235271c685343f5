using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>
/// Two servers with keys and one Redis behind nginx with TLS, and forty sessions, half of which adapt. One server is killed and comes back empty, then the other one is
/// told to stop: every frame has one outcome, who was not on the killed one has the same bytes as undisturbed, and who was is told what is lost.
/// </summary>
public sealed class ReplicaTests(NanoEngine nano) : IDisposable
{
    private const int Sessions = 40;
    private const int Frames = 14;

    /// <summary>Frames that are sent before the first server is killed, and before the other one is told to stop.</summary>
    private const int FirstPart = 6;
    private const int SecondPart = 10;

    /// <summary>Of the whole run, on a machine that does other things beside.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_kill_and_a_drain_cost_no_frame()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Server();
        TestAuthority.Write(certificate, _temporary["tls.pem"], _temporary["tls.key"]);
        var key = await SecureServer.AddKeyAsync(_temporary["keys.json"], "gate");
        int[] ports = [FreePort.Find(), FreePort.Find()];
        await using var redis = await RedisProcess.StartAsync("--requirepass", "secret");
        await using var nginx = await NginxProcess.StartAsync(_temporary.FullName, ports);
        var starting = StartAsync(redis, ports[1]);
        await using var killed = await StartAsync(redis, ports[0]);
        await using var stopped = await starting;
        using var client = new LoupeClient(new LoupeClientOptions { Address = nginx.Address, Key = key, CertificateAuthority = authority.Roots });

        // Undisturbed, of each kind one: the frames are the same.
        Camera[] undisturbed = [new(client, 0, adapts: false), new(client, 1, adapts: true)];
        await Task.WhenAll(undisturbed.Select(static camera => camera.RunAsync(Task.CompletedTask, Task.CompletedTask)));
        await Task.WhenAll(undisturbed.Select(static camera => camera.CompleteAsync()));

        var cameras = Enumerable.Range(2, Sessions).Select(number => new Camera(client, number, adapts: number % 2 == 1)).ToList();
        var (killing, stopping) = (new TaskCompletionSource(), new TaskCompletionSource());
        var running = Task.WhenAll(cameras.Select(camera => camera.RunAsync(killing.Task, stopping.Task)));
        await Patience.UntilAsync(() => cameras.TrueForAll(static camera => camera.Count >= FirstPart - 1));
        await killed.SignalAsync("KILL");
        killing.SetResult();
        await using var replacement = await StartAsync(redis, ports[0]);
        await Patience.UntilAsync(() => cameras.TrueForAll(static camera => camera.Count >= SecondPart - 1));
        await stopped.SignalAsync("TERM");
        stopping.SetResult();
        await running;
        await Task.WhenAll(cameras.Select(static camera => camera.CompleteAsync()));
        Assert.Equal(0, await stopped.ExitAsync());

        var lossy = cameras.Where(camera => killed.Error.Contains($"'{camera.Name}' of", StringComparison.Ordinal)).ToList();
        var drained = cameras.Except(lossy).ToList();
        Assert.All(new[] { lossy, drained }, static group => Assert.InRange(group.Count, 5, Sessions - 5));
        Assert.All(new[] { lossy, drained }, static group => Assert.Equal([false, true], group.Select(static camera => camera.Adapts).Distinct().Order()));
        Assert.All(cameras, static camera => Assert.Equal(Enumerable.Range(0, Frames).Select(static number => (ulong)number), camera.Outcomes.Select(static outcome => outcome.FrameId)));
        Assert.All(cameras, static camera => Assert.All(camera.Outcomes, static outcome => Assert.IsType<LoupeResult>(outcome)));
        Assert.All(cameras, static camera => Assert.InRange(camera.Resumed, 1, int.MaxValue));
        foreach (var camera in drained)
        {
            var expected = undisturbed[camera.Adapts ? 1 : 0];
            Assert.Equal(expected.Essence, camera.Essence);
            Assert.Equal((ulong)Frames, camera.Summary!.Frames);
            Assert.Null(camera.Lost);
        }

        foreach (var camera in lossy)
        {
            Assert.NotNull(camera.Lost);
            var outcomes = Frames - (int)camera.Summary!.Frames;
            Assert.InRange(outcomes, 1, FirstPart);
            Assert.Contains($"{outcomes} outcomes", camera.Lost.Message, StringComparison.Ordinal);
            Assert.Equal(camera.Adapts, camera.Lost.Message.Contains($"at most {outcomes} steps are lost", StringComparison.Ordinal));
        }

        // Nothing of them is left.
        await Patience.UntilAsync(() => replacement.Error.Split(": half-closed after").Length > Sessions);
    }

    private async Task<ServerProcess> StartAsync(RedisProcess redis, int port)
    {
        var server = ServerProcess.Start(
            [
                "serve", "--listen", $"http://127.0.0.1:{port}", "--operations", "http://127.0.0.1:0", $"--Loupe:Security:Keys={_temporary["keys.json"]}",
                "--Loupe:Sessions:CheckpointInterval=4", "--Loupe:Execution:Providers=CPU",
                // A machine that does other things beside may need longer for what it has than most operators wait.
                "--Loupe:Shutdown:DrainTimeout=10m",
            ],
            ("Loupe__Sessions__Store", redis.Address("default:secret")), ("Loupe__Model__CacheDirectory", nano.CacheDirectory));
        Assert.StartsWith("ready", await server.ReadLineAsync(), StringComparison.Ordinal);
        return server;
    }

    /// <summary>One session and all that its client sees of it.</summary>
    private sealed class Camera(LoupeClient client, int number, bool adapts)
    {
        private static readonly byte[][] Pictures =
            [.. Enumerable.Range(0, 10).Select(static picture => File.ReadAllBytes(TestData.Golden("nano-tta", "scale", $"frame-{picture:000}.png")))];

        private LoupeSession? _session;

        public string Name => $"camera-{number}";

        public bool Adapts => adapts;

        public List<LoupeOutcome> Outcomes { get; } = [];

        public int Count { get; private set; }

        public SessionSummary? Summary { get; private set; }

        public SessionEvent? Lost { get; private set; }

        public int Resumed { get; private set; }

        /// <summary>All results without what time leaves in them.</summary>
        public IEnumerable<string> Essence => Outcomes.Select(static outcome =>
        {
            var result = ((LoupeResult)outcome).Result.Clone();
            result.Timings = null;
            return result.ToString();
        });

        public async Task RunAsync(Task firstPart, Task secondPart)
        {
            _session = await client.OpenSessionAsync(
                new LoupeSessionOptions
                {
                    Name = Name,
                    MaxFramesInFlight = 2,
                    Mask = new MaskSettings { Policy = MaskPolicy.Always },
                    Adaptation = adapts ? AdaptingStream.Unguarded() : null,
                },
                Patience.Token());
            var sending = SendAsync(firstPart, secondPart);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(Limit);
            await foreach (var outcome in _session.Results(limit.Token))
            {
                Outcomes.Add(outcome);
                if (++Count == Frames)
                {
                    break;
                }
            }

            await sending;
        }

        public async Task CompleteAsync()
        {
            Summary = await _session!.CompleteAsync(Patience.Token());
            await foreach (var one in _session.Events(Patience.Token()))
            {
                Resumed += one is LoupeResumed ? 1 : 0;
                Lost = one is LoupeServerEvent { Event: { Kind: SessionEventKind.StateLost } said } ? said : Lost;
            }

            await _session.DisposeAsync();
        }

        private async Task SendAsync(Task firstPart, Task secondPart)
        {
            for (var frame = 0; frame < Frames; frame++)
            {
                await (frame < FirstPart ? Task.CompletedTask : frame < SecondPart ? firstPart : secondPart).WaitAsync(Limit, TestContext.Current.CancellationToken);
                await _session!.SendAsync(new EncodedFrame(Pictures[frame % Pictures.Length]) { FrameId = (ulong)frame }, Patience.Token());
            }
        }
    }
}
