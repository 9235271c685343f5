using System.Buffers.Binary;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.V1;
using StackExchange.Redis;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>What a store can do wrong: it is away, it lets nobody in, it has what is not ours.</summary>
public sealed class StoreFaultTests(NanoEngine nano) : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    public static TheoryData<string, Func<IDatabase, string, Task>, string> Spoilt => new()
    {
        { "another type", static async (redis, key) => { await redis.KeyDeleteAsync(key); await redis.StringSetAsync(key, "theirs"); }, "the store refused it: WRONGTYPE" },
        { "no record", static (redis, key) => redis.HashSetAsync(key, "record", "theirs"), "what lies under the session's key is no record of a session" },
        { "another version", static (redis, key) => ChangeAsync(redis, key, static record => BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8), 2)), "the record of the session has format version 2; this server reads version 1" },
        { "too much", static (redis, key) => redis.HashSetAsync(key, "record", new byte[(1 << 20) + 1]), "what lies under the session's key has 1048577 bytes, and Loupe:Sessions:MaxRecordBytes is 1048576" },
        { "a bit", static (redis, key) => ChangeAsync(redis, key, static record => record[^1] ^= 1), "the record of the session is damaged: its hash does not match its content" },
    };

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task What_is_not_ours_costs_the_one_session_which_hears_why(string what, Func<IDatabase, string, Task> spoil, string reason)
    {
        Assert.NotEmpty(what);
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address());
        await using var second = await StartAsync(redis.Address(), maxBytes: 1 << 20);
        using var session = await first.OpenAsync(HandOverTests.Plain);
        await redis.UntilStoredAsync(static _ => true);
        var key = await redis.KeyAsync();
        using var neighbour = await first.OpenAsync(HandOverTests.Plain);
        await redis.AskAsync(async store =>
        {
            await spoil(store, key);
            return true;
        });

        using (var claim = await second.OpenAsync(new OpenSession { ResumeToken = session.Grant.ResumeToken }))
        {
            Assert.False(claim.Grant.Resumed);
            Assert.StartsWith(reason, Assert.Single(claim.Grant.Unavailable).Reason, StringComparison.Ordinal);
            Assert.Contains(second.Log.Lines, line => line.Contains(reason, StringComparison.Ordinal));
        }

        // Both are where they were, and the other can be had elsewhere.
        foreach (var one in new[] { session, neighbour })
        {
            await AdaptingStream.SendFrameAsync(one, 0);
            await one.NextOutcomeAsync();
        }

        using var resumed = await second.OpenAsync(new OpenSession { ResumeToken = neighbour.Grant.ResumeToken, ResponsesReceived = 1, FramesAnswered = 1 });
        Assert.Equal((true, 1ul), (resumed.Grant.Resumed, resumed.Grant.NextSequence));
    }

    [Fact]
    public async Task A_record_that_is_too_large_is_not_written()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var server = await StartAsync(redis.Address(), maxBytes: 1 << 20);
        var life = TimeSpan.FromMinutes(1);
        Assert.Equal(StoreHold.Held, await Store(server).WriteAsync("most", 1, new byte[1 << 20], life));
        var refusal = await Assert.ThrowsAsync<SessionStoreException>(() => Store(server).WriteAsync("more", 1, new byte[(1 << 20) + 1], life));
        Assert.Equal(("the record of the session has 1048577 bytes, and Loupe:Sessions:MaxRecordBytes is 1048576", false), (refusal.Message, refusal.IsAway));
        Assert.Equal("loupe:session:most", await redis.KeyAsync());
    }

    [Fact]
    public async Task A_full_store_degrades_the_server_until_it_takes_records_again()
    {
        await using var redis = await RedisProcess.StartAsync("--maxmemory", "100kb", "--maxmemory-policy", "noeviction");
        await using var server = await StartAsync(redis.Address());
        using var session = await server.OpenAsync(HandOverTests.Plain);
        await AdaptingStream.SendFrameAsync(session, 0);
        await session.NextOutcomeAsync();
        await UntilHealthAsync(server, "Degraded");
        Assert.Contains(server.Log.Lines, static line => line.Contains("refused a record: OOM command not allowed when used memory > 'maxmemory'", StringComparison.Ordinal));

        await redis.AskAsync(static async store =>
        {
            await store.ExecuteAsync("CONFIG", "SET", "maxmemory", "100mb");
            return true;
        });
        // Also where nobody opens a session meanwhile.
        await UntilHealthAsync(server, "Healthy");
    }

    [Theory]
    [InlineData("model", "the session belongs to the model ffffffff; this server runs")]
    [InlineData("token", "what lies under the session's key is the record of another session")]
    public async Task The_record_of_another_model_or_session_is_not_gone_on_with(string what, string reason)
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address());
        await using var second = await StartAsync(redis.Address());
        using var session = await first.OpenAsync(AdaptingStream.Open());
        await redis.UntilStoredAsync(static _ => true);
        await redis.ChangeAsync(
            await redis.KeyAsync(), facts => what == "model" ? facts with { Model = new string('f', 64) } : facts with { TokenDigest = new string('f', 64) });
        using var claim = await second.OpenAsync(new OpenSession { ResumeToken = session.Grant.ResumeToken });
        Assert.False(claim.Grant.Resumed);
        Assert.StartsWith(reason, Assert.Single(claim.Grant.Unavailable).Reason, StringComparison.Ordinal);
        await AdaptingStream.SendFrameAsync(session, 0);
        await session.NextOutcomeAsync();
    }

    [Fact]
    public async Task While_it_is_away_sessions_go_on_and_health_says_so_and_when_it_is_back_they_are_kept_again()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address(), every: 1);
        await using var second = await StartAsync(redis.Address(), every: 1);
        using var session = await first.OpenAsync(AdaptingStream.Open());
        await SendAsync(session, 0);
        Assert.Equal("Healthy", await HealthAsync(first));

        await redis.StopAsync();
        await Patience.UntilAsync(() => !Store(first).IsUp);
        Assert.Equal("Degraded", await HealthAsync(first));
        for (var number = 1; number < 6; number++)
        {
            await SendAsync(session, number);
        }

        // One that is opened now, and one that breaks, go on as ever.
        using (var connection = first.Connect())
        {
            var broken = await connection.OpenAsync(HandOverTests.Plain);
            await SendAsync(broken, 0);
            connection.Break();
            await Patience.UntilAsync(() => first.Sessions.List().Any(static one => one.ParkedSince is not null));
            using var back = await first.ResumeAsync(broken);
            await SendAsync(back, 1);
            await back.CompleteAsync();
            await back.RestAsync();
        }

        await redis.StartAsync();
        await Patience.UntilAsync(() => Store(first).IsUp && Store(second).IsUp);
        Assert.Equal("Healthy", await HealthAsync(first));
        await SendAsync(session, 6);
        await redis.UntilStoredAsync(static facts => facts.Frames == 7);
        using var resumed = await second.ResumeAsync(session);
        Assert.Equal(7ul, resumed.Grant.NextSequence);
        foreach (var server in new[] { first, second })
        {
            var said = server.Log.Lines.Where(static line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("is away", StringComparison.Ordinal));
            Assert.Single(said);
        }
    }

    [Fact]
    public async Task It_starts_without_and_stops_as_ever()
    {
        await using var server = await StartAsync($"redis://127.0.0.1:{FreePort.Find()}");
        Assert.Equal("Degraded", await HealthAsync(server));
        using var session = await server.OpenAsync(HandOverTests.Plain);
        await SendAsync(session, 0);
        var stopping = server.Server.StopAsync();
        var (before, failure) = await session.FailureAsync();
        Assert.Equal(Grpc.Core.StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal(SessionEventKind.Draining, before[0].Event.Kind);
        Assert.Equal(1ul, before[^1].Summary.Frames);
        await stopping;
    }

    [Theory]
    [InlineData("", "Degraded")]
    [InlineData("default:wrong", "Degraded")]
    [InlineData("default:a%40b%3Ac", "Healthy")]
    [InlineData("loupe:its%20own", "Healthy")]
    public async Task Passwords_let_in(string user, string health)
    {
        await using var redis = await RedisProcess.StartAsync("--requirepass", "a@b:c", "--user", "loupe", "on", ">its own", "~loupe:*", "+@all");
        await using var server = await StartAsync(redis.Address(user));
        using var session = await server.OpenAsync(HandOverTests.Plain);
        await SendAsync(session, 0);
        Assert.Equal(health, await HealthAsync(server));
        await ReasonAsync(server, session, health, "does not take the name or the password of Loupe:Sessions:Store");
        Assert.DoesNotContain(server.Log.Lines, static line => line.Contains("its own", StringComparison.Ordinal) || line.Contains("a@b:c", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("its own", "Healthy")]
    [InlineData("another's", "Degraded")]
    [InlineData("the system's", "Degraded")]
    public async Task Over_TLS_its_certificate_must_be_signed_by_whom_the_setting_names(string authority, string health)
    {
        using var signer = new TestAuthority();
        using var other = new TestAuthority("CN=another root");
        using var certificate = signer.Server();
        var (file, key, root, wrong) = (Path("redis.pem"), Path("redis.key"), Path("root.pem"), Path("other.pem"));
        TestAuthority.Write(certificate, file, key);
        await File.WriteAllTextAsync(root, signer.Pem, Patience.Token());
        await File.WriteAllTextAsync(wrong, other.Pem, Patience.Token());
        await using var redis = await RedisProcess.StartAsync(true, "--tls-cert-file", file, "--tls-key-file", key, "--tls-ca-cert-file", root, "--tls-auth-clients", "no");
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions
        {
            Sessions = new() { Store = redis.Address(), StoreAuthority = authority switch { "its own" => root, "another's" => wrong, _ => string.Empty } },
        });
        using var session = await server.OpenAsync(HandOverTests.Plain);
        await SendAsync(session, 0);
        Assert.Equal(health, await HealthAsync(server));
        await ReasonAsync(server, session, health, "its certificate is not trusted");
    }

    /// <summary>Before there is a session to keep.</summary>
    [Fact]
    public async Task A_database_that_is_not_there_degrades_the_server_at_its_start()
    {
        await using var redis = await RedisProcess.StartAsync("--databases", "1");
        await using var server = await StartAsync(redis.Address());
        Assert.Equal("Degraded", await HealthAsync(server));
        Assert.Contains(server.Log.Lines, static line => line.Contains("The database does not exist on the server: 1", StringComparison.Ordinal));
        using var session = await server.OpenAsync(HandOverTests.Plain);
        await SendAsync(session, 0);
    }

    private string Path(string name) => _temporary[name];

    /// <summary>
    /// The log has the reason where the store is not there, and only there. It comes beside the frames, when an attempt to connect has failed; where the first one was
    /// only too slow to know why, with one of the next.
    /// </summary>
    private static async Task ReasonAsync(RunningServer server, RawSession session, string health, string reason)
    {
        bool IsNamed() => server.Log.Lines.Any(line => line.Contains(reason, StringComparison.Ordinal));
        if (health == "Degraded")
        {
            for (var patience = Patience.Token(); !IsNamed(); await Task.Delay(100, patience))
            {
                await SendAsync(session, 0);
            }
        }
        else
        {
            Assert.False(IsNamed());
        }
    }

    private static async Task UntilHealthAsync(RunningServer server, string health)
    {
        var patience = Patience.Token();
        while (await HealthAsync(server) != health)
        {
            await Task.Delay(20, patience);
        }
    }

    private static ISessionStore Store(RunningServer server) =>
        (ISessionStore)server.Server.Services.GetService(typeof(ISessionStore))!;

    private static async Task SendAsync(RawSession session, int number)
    {
        await AdaptingStream.SendFrameAsync(session, number);
        await session.NextOutcomeAsync();
    }

    /// <summary>The first word of what it says of itself, which is ready in any case.</summary>
    private static async Task<string> HealthAsync(RunningServer server)
    {
        using var http = new HttpClient { BaseAddress = server.Server.Operations };
        using var answer = await http.GetAsync("/healthz/ready", Patience.Token());
        Assert.True(answer.IsSuccessStatusCode);
        return (await answer.Content.ReadAsStringAsync(Patience.Token())).Split('\n')[0].Trim();
    }

    private static async Task ChangeAsync(IDatabase redis, string key, Action<byte[]> change)
    {
        var record = (byte[])(await redis.HashGetAsync(key, "record"))!;
        change(record);
        await redis.HashSetAsync(key, "record", record);
    }

    private async Task<RunningServer> StartAsync(string store, int every = 64, long maxBytes = 64 << 20) => await RunningServer.StartAsync(
        nano.Analyzer, new LoupeOptions { Sessions = new() { Store = store, CheckpointInterval = every, MaxRecordBytes = maxBytes } });
}
