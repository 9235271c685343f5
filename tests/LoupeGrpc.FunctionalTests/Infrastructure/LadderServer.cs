using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Health.V1;
using Grpc.Net.Client;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The program with the stand-in provider as its first choice and the CPU behind it, seen from outside.</summary>
internal sealed partial class LadderServer : IAsyncDisposable
{
    public const string Provider = "StandIn";

    private readonly GrpcChannel _channel;
    private readonly HttpClient _http;

    private LadderServer(ServerProcess process, Match ready)
    {
        Process = process;
        ReadyLine = ready.Value;
        _channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        _http = new HttpClient { BaseAddress = new Uri(ready.Groups["operations"].Value) };
    }

    public ServerProcess Process { get; }

    public string ReadyLine { get; }

    /// <param name="settings">Beside the stand-in's, without <c>--Loupe:Execution:</c>.</param>
    public static string[] Arguments(LadderPlace place, params string[] settings) =>
    [
        .. new[]
        {
            $"Providers={Provider},CPU", $"Plugins:0:Name={Provider}", $"Plugins:0:Path={place.Library}", "Buckets=1,2", "ProbeTimeout=120",
            $"CacheDirectory={place.Engines}",
        }.Concat(settings).Select(static setting => $"--Loupe:Execution:{setting}"),
        $"--Loupe:Model:CacheDirectory={place.ModelCache}", $"--Loupe:Model:Path={place.Model}",
    ];

    public static async Task<LadderServer> StartAsync(LadderPlace place, string[] settings, params (string Name, string Value)[] environment)
    {
        var process = Start(place, settings, environment);
        var ready = Ready().Match(await process.ReadLineAsync() ?? string.Empty);
        if (!ready.Success)
        {
            await process.DisposeAsync();
            Assert.Fail($"it did not become ready: {process.Error}");
        }

        return new LadderServer(process, ready);
    }

    /// <summary>One that may not become ready.</summary>
    public static ServerProcess Start(LadderPlace place, string[] settings, params (string Name, string Value)[] environment) => ServerProcess.Start(
        ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", .. Arguments(place, settings)], environment);

    public async Task<IReadOnlyList<ProviderRung>> LadderAsync() => (await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(_channel)
        .GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token())).Ladder;

    /// <summary>As an operator sees them, oldest first. Wants <c>Loupe:Admin:Enabled</c>.</summary>
    public async Task<IReadOnlyList<SessionInfo>> SessionsAsync() => (await new SessionAdminService.SessionAdminServiceClient(_channel)
        .ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token())).Sessions;

    /// <summary>Asks until the stand-in's rung is as it should be.</summary>
    public async Task<ProviderRung> WaitForAsync(RungState state)
    {
        while (true)
        {
            var rung = (await LadderAsync())[0];
            if (rung.State == state)
            {
                return rung;
            }

            await Task.Delay(50, Patience.Token());
        }
    }

    public async Task<HealthCheckResponse.Types.ServingStatus> HealthAsync() =>
        (await new Health.HealthClient(_channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Patience.Token())).Status;

    public Task<string> GetAsync(string path) => _http.GetStringAsync(path, Patience.Token());

    public async Task<RawSession> OpenAsync(OpenSession? open = null)
    {
        var session = new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(_channel).Analyze(cancellationToken: TestContext.Current.CancellationToken));
        await session.SendAsync(new AnalyzeRequest { Open = open ?? new OpenSession() });
        session.Grant = (await session.NextAsync()).Granted;
        return session;
    }

    /// <summary>A sample with a mask, as a frame.</summary>
    public static async Task SendSampleAsync(RawSession session, ulong id, string sample = "authentic-rocket.png")
    {
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample(sample), Patience.Token()));
        await session.SendFrameAsync(id, frame => frame.Encoded.Data = picture);
    }

    /// <summary>Streams a sample a few times in a session of its own.</summary>
    public async Task<IReadOnlyList<FrameOutcome>> AnalyzeAsync(int frames = 3, string sample = "authentic-rocket.png")
    {
        using var session = await OpenAsync(new OpenSession { Mask = new MaskSettings { Policy = MaskPolicy.Always } });
        for (var i = 0; i < frames; i++)
        {
            await SendSampleAsync(session, (ulong)i, sample);
        }

        await session.CompleteAsync();
        return [.. (await session.RestAsync()).Where(static response => response.Outcome is not null).Select(static response => response.Outcome)];
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _http.Dispose();
        await Process.DisposeAsync();
    }

    [GeneratedRegex(@"^ready (?<grpc>\S+) operations=(?<operations>\S+) model=\S+ provider=\S+ precision=\S+$")]
    private static partial Regex Ready();
}
