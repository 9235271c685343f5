using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Server.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>The client as a service of a container, before the real server.</summary>
public sealed class DependencyInjectionTests : IDisposable
{
    private static readonly EncodedFrame Picture = new(new byte[] { 1, 2, 3 });

    private readonly TemporaryDirectory _files = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_client_is_shared_and_ends_with_its_container()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.7f) });
        var container = new ServiceCollection().AddLoupeClient(options => options with { Address = server.Server.Grpc }).BuildServiceProvider(validateScopes: true);
        var client = container.GetRequiredService<LoupeClient>();

        using (var scope = container.CreateScope())
        {
            Assert.Same(client, scope.ServiceProvider.GetRequiredService<LoupeClient>());
        }

        Assert.Equal(0.7f, (await client.AnalyzeImageAsync(Picture, cancellationToken: Token)).Result.Score);

        await container.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => client.AnalyzeImageAsync(Picture, cancellationToken: Token));
        await Assert.ThrowsAnyAsync<Exception>(() => client.OpenSessionAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Several_clients_are_told_apart_by_their_keys()
    {
        await using var one = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        await using var other = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.9f) });
        await using var container = new ServiceCollection()
            .AddKeyedLoupeClient("gate", options => options with { Address = one.Server.Grpc })
            .AddKeyedLoupeClient("archive", Section(("Address", other.Server.Grpc.ToString())))
            .AddSingleton<TwoServers>()
            .BuildServiceProvider();

        var both = container.GetRequiredService<TwoServers>();

        Assert.Equal(0.1f, (await both.Gate.AnalyzeImageAsync(Picture, cancellationToken: Token)).Result.Score);
        Assert.Equal(0.9f, (await both.Archive.AnalyzeImageAsync(Picture, cancellationToken: Token)).Result.Score);
        Assert.Null(container.GetService<LoupeClient>());
    }

    [Fact]
    public async Task The_configuration_says_who_the_server_is_and_who_we_are()
    {
        using var authority = new TestAuthority();
        TestAuthority.Write(authority.Server(), _files["server.pem"], _files["server.key"]);
        TestAuthority.Write(authority.Client("CN=our own"), _files["own.pem"], _files["own.key"]);
        await File.WriteAllTextAsync(_files["ca.pem"], authority.Pem, Token);
        var key = await SecureServer.AddKeyAsync(_files["keys.json"], "ours");
        await File.WriteAllTextAsync(_files["key"], key + "\n", Token);
        await using var server = await SecureServer.StartAsync(
            new LoupeOptions
            {
                Security = new SecurityOptions { Keys = _files["keys.json"] },
                Tls = new TlsOptions
                {
                    Certificate = _files["server.pem"],
                    Key = _files["server.key"],
                    ClientCertificates = ClientCertificatePolicy.Require,
                    ClientAuthority = _files["ca.pem"],
                },
            },
            "https");
        (string, string?)[] settings =
        [
            ("Address", server.Server.Grpc.ToString()), ("keyfile", _files["key"]), ("CertificateAuthority", _files["ca.pem"]),
            ("ClientCertificate", _files["own.pem"]), ("ClientCertificateKey", _files["own.key"]), ("ConnectTimeout", "00:00:20"), ("Headers:X-Site", "north"),
        ];
        await using var container = new ServiceCollection().AddLoupeClient(Section(settings)).BuildServiceProvider();
        await using var nobodys = new ServiceCollection().AddLoupeClient(Section(settings), static (options, _) => options with { Key = "of nobody".Replace(' ', '-') }).BuildServiceProvider();

        var answer = await container.GetRequiredService<LoupeClient>().AnalyzeImageAsync(Picture, cancellationToken: Token);

        Assert.Equal(0.1f, answer.Result.Score);
        await Assert.ThrowsAsync<LoupeRefusedException>(() => nobodys.GetRequiredService<LoupeClient>().AnalyzeImageAsync(Picture, cancellationToken: Token));
    }

    [Fact]
    public async Task What_happens_on_the_way_is_in_the_containers_log_and_no_secret_with_it()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.7f) }, RunningServer.LongWindow);
        using var relay = new BreakingRelay(server);
        await using var host = await FakeHost.StartAsync(relay);
        using var log = new LogRecorder();
        await using var container = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log))
            .AddLoupeClient((options, _) => options with { Address = host.Address, Key = "a-secret", Headers = new Dictionary<string, string> { ["x-token"] = "other-secret" } })
            .BuildServiceProvider();
        var client = container.GetRequiredService<LoupeClient>();
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);

        relay.Break();
        Assert.True(await events.MoveNextAsync());
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<LoupeResumed>(events.Current);
        await session.SendAsync(Picture, Token);
        await session.CompleteAsync(Token);

        await Patience.UntilAsync(() => Own(log).Count() >= 2);
        Assert.Collection(
            Own(log),
            line => Assert.StartsWith($"Warning LoupeGrpc.Client.LoupeClient: The connection of session {session.Grant.SessionId} to ", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"Information LoupeGrpc.Client.LoupeClient: Session {session.Grant.SessionId} goes on at ", line, StringComparison.Ordinal));
        // gRPC's own lines too.
        Assert.Contains(log.Lines, static line => line.Contains(" Grpc.Net.Client.", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Lines, static line => line.Contains("a-secret", StringComparison.Ordinal) || line.Contains("other-secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_is_not_there_and_a_session_that_is_lost_are_logged()
    {
        using var log = new LogRecorder();
        await using var container = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(log))
            .AddLoupeClient(static options => options with { Address = new Uri($"http://127.0.0.1:{FreePort.Find()}"), UnaryRetries = 1 })
            .BuildServiceProvider();

        await Assert.ThrowsAsync<LoupeUnavailableException>(() => container.GetRequiredService<LoupeClient>().GetServerInfoAsync(Token));

        Assert.Contains("cannot be reached, trying again: Unavailable, ", Assert.Single(Own(log)), StringComparison.Ordinal);

        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Server.Grpc, LoggerFactory = container.GetRequiredService<ILoggerFactory>() });
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Name = "gate" }, Token);
        using var other = await server.OpenAsync(new V1.OpenSession { ResumeToken = session.Grant.ResumeToken });
        await Patience.UntilAsync(() => Own(log).Count() > 1);
        Assert.StartsWith($"Error LoupeGrpc.Client.LoupeClient: Session {session.Grant.SessionId} at ", Own(log).Last(), StringComparison.Ordinal);
        Assert.Contains("another connection took over", Own(log).Last(), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Own(LogRecorder log) => log.Lines.Where(static line => line.Contains(" LoupeGrpc.Client.", StringComparison.Ordinal));

    private static IConfigurationSection Section(params (string Name, string? Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create($"Loupe:{setting.Name}", setting.Value))).Build().GetSection("Loupe");

    private sealed record TwoServers([FromKeyedServices("gate")] LoupeClient Gate, [FromKeyedServices("archive")] LoupeClient Archive);
}
