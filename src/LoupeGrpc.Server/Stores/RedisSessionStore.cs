using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions.Keeping;
using StackExchange.Redis;

namespace LoupeGrpc.Server.Stores;

/// <summary>
/// Records of sessions in Redis: a hash for each, with the record and the number of the claim on it. Each write is a script that looks at that number first, so of two
/// servers only the later claim writes, whatever either believes. Connects by itself, and again; while Redis is away each call fails at once. Thread-safe.
/// </summary>
internal sealed class RedisSessionStore : ISessionStore, IHostedService, IAsyncDisposable
{
    private const string Prefix = "loupe:session:";

    /// <summary>Of no session: those have digests.</summary>
    private const string TrialKey = "trial";

    private const string Write = """
        local fence = redis.call('HGET', KEYS[1], 'fence')
        if fence and tonumber(fence) > tonumber(ARGV[1]) then return 2 end
        redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'record', ARGV[2])
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return 0
        """;

    private const string Touch = """
        local fence = redis.call('HGET', KEYS[1], 'fence')
        if not fence then return 1 end
        if tonumber(fence) > tonumber(ARGV[1]) then return 2 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 0
        """;

    /// <summary>Its size, where that is too large to be fetched.</summary>
    private const string Read = """
        local size = redis.call('HSTRLEN', KEYS[1], 'record')
        if size > tonumber(ARGV[1]) then return size end
        return redis.call('HGET', KEYS[1], 'record')
        """;

    /// <inheritdoc cref="Read"/>
    private const string Claim = """
        local size = redis.call('HSTRLEN', KEYS[1], 'record')
        if size > tonumber(ARGV[1]) then return size end
        local record = redis.call('HGET', KEYS[1], 'record')
        if not record then return nil end
        local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return { fence, record }
        """;

    private const string Remove = """
        if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 0
        """;

    /// <summary>What Redis begins an error with that is not about a key.</summary>
    private static readonly string[] RefusesEverything = ["OOM ", "MISCONF ", "READONLY ", "NOPERM ", "LOADING ", "NOREPLICAS ", "CLUSTERDOWN "];

    /// <summary>Nobody waits for Redis longer than that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>A server without sessions writes no records, and would never hear that they are taken again.</summary>
    private static readonly TimeSpan RefusalPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan TrialLife = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly Task<ConnectionMultiplexer> _connecting;
    private readonly long _maxRecordBytes;
    private readonly StoreWatch _watch;
    private volatile ConnectionMultiplexer? _connection;
    private volatile string? _refusal;
    private int _asking;
    private int _disposed;

    /// <exception cref="InvalidDataException">The file of the authority cannot be used.</exception>
    public RedisSessionStore(Configuration.SessionOptions options, StoreWatch watch, TimeProvider time)
    {
        if (!StoreAddress.TryRead(options.Store, out var redis))
        {
            throw new ArgumentException("The address was not checked.", nameof(options));
        }

        (_watch, _time) = (watch, time);
        _maxRecordBytes = options.MaxRecordBytes;
        redis.ClientName = "loupe-grpc-server";
        redis.AbortOnConnectFail = false;
        redis.ConnectTimeout = (int)Patience.TotalMilliseconds;
        redis.AsyncTimeout = (int)Patience.TotalMilliseconds;
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        redis.ReconnectRetryPolicy = new LinearRetry(500);
        redis.HeartbeatInterval = TimeSpan.FromSeconds(1);
        var authority = options.StoreAuthority.Length > 0 ? TlsFiles.ReadAuthority("Loupe:Sessions:StoreAuthority", options.StoreAuthority) : null;
        redis.SslClientAuthenticationOptions = host => new SslClientAuthenticationOptions
        {
            TargetHost = host,
            CertificateChainPolicy = authority is null ? null : TlsCertificates.PolicyOf(authority),
            CertificateRevocationCheckMode = X509RevocationMode.Online,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors == SslPolicyErrors.None || Distrust(certificate, errors),
        };

        _connecting = ConnectAsync(redis);
    }

    public bool IsUp => _connection is { IsConnected: true };

    public string? Refusal => _refusal;

    /// <summary>Waits for the first attempt to connect, however it goes: the first sessions are kept too.</summary>
    public async Task StartAsync(CancellationToken cancellationToken) =>
        await ((Task)_connecting).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<StoreHold> WriteAsync(string key, long fence, ReadOnlyMemory<byte> record, TimeSpan life)
    {
        if (record.Length > _maxRecordBytes)
        {
            throw TooLarge("the record of the session", record.Length);
        }

        var hold = (StoreHold)(int)await EvaluateAsync(Write, key, fence, record, (long)life.TotalMilliseconds).ConfigureAwait(false);
        _refusal = null;
        return hold;
    }

    public async Task<StoreHold> TouchAsync(string key, long fence, TimeSpan life) =>
        (StoreHold)(int)await EvaluateAsync(Touch, key, fence, (long)life.TotalMilliseconds).ConfigureAwait(false);

    public async Task<ReadOnlyMemory<byte>?> ReadAsync(string key) => (byte[]?)await FetchAsync(Read, key).ConfigureAwait(false) is { } record ? record : null;

    public async Task<ClaimedRecord?> ClaimAsync(string key, TimeSpan life) =>
        (RedisResult[]?)await FetchAsync(Claim, key, (long)life.TotalMilliseconds).ConfigureAwait(false) is [var fence, var record]
            ? new ClaimedRecord((long)fence, (byte[]?)record ?? [])
            : null;

    public Task RemoveAsync(string key, long fence) => EvaluateAsync(Remove, key, fence);

    /// <summary>The container does so once for each name that it has for it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await StartAsync(CancellationToken.None).ConfigureAwait(false);
        if (_connection is { } connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private async Task<ConnectionMultiplexer> ConnectAsync(ConfigurationOptions redis)
    {
        var connection = await ConnectionMultiplexer.ConnectAsync(redis).ConfigureAwait(false);
        connection.ConnectionFailed += (_, failure) => _watch.Lost(failure.Exception);
        connection.ConnectionRestored += (_, _) => _watch.Found();
        _connection = connection;
        try
        {
            // Nothing lies there. It says why there is no connection, and what is wrong with one before there is a session to keep.
            await AskAsync(connection, static redis => redis.HashGetAsync(Prefix, "record")).ConfigureAwait(false);
        }
        catch (SessionStoreException)
        {
            // It was told, and is tried again with each record.
        }

        return connection;
    }

    /// <exception cref="SessionStoreException">It is larger than any record, among others.</exception>
    private async Task<RedisResult> FetchAsync(string script, string key, params RedisValue[] arguments)
    {
        var answer = await EvaluateAsync(script, key, [_maxRecordBytes, .. arguments]).ConfigureAwait(false);
        return answer.Resp2Type == ResultType.Integer ? throw TooLarge("what lies under the session's key", (long)answer) : answer;
    }

    private SessionStoreException TooLarge(string what, long bytes) =>
        new($"{what} has {bytes} bytes, and Loupe:Sessions:MaxRecordBytes is {_maxRecordBytes}", isAway: false);

    private Task<RedisResult> EvaluateAsync(string script, string key, params RedisValue[] arguments) =>
        TryAsync(redis => redis.ScriptEvaluateAsync(script, [Prefix + key], arguments));

    private async Task<T> TryAsync<T>(Func<IDatabase, Task<T>> ask)
    {
        ConnectionMultiplexer connection;
        try
        {
            connection = await _connecting.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            throw Away(exception);
        }

        return await AskAsync(connection, ask).ConfigureAwait(false);
    }

    /// <exception cref="SessionStoreException">It was told.</exception>
    private async Task<T> AskAsync<T>(ConnectionMultiplexer connection, Func<IDatabase, Task<T>> ask)
    {
        try
        {
            return await ask(connection.GetDatabase()).ConfigureAwait(false);
        }
        catch (RedisServerException exception)
        {
            // What Redis itself refuses: another type under the key, no right to write, no memory left.
            // Behind its sentence it names the script.
            var reason = exception.Message.Split(" script:")[0].TrimEnd('.');
            throw Refused(reason, RefusesEverything.Any(word => reason.StartsWith(word, StringComparison.Ordinal)), exception);
        }
        catch (RedisCommandException exception)
        {
            // What is not even asked of it, for it has no such thing: a database of that number.
            throw Refused(exception.Message.TrimEnd('.'), everything: true, exception);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            throw Away(exception);
        }
    }

    private SessionStoreException Refused(string reason, bool everything, Exception exception)
    {
        _watch.Refused(reason);
        if (everything)
        {
            _refusal = reason;
            _ = AskAgainAsync();
        }

        return new SessionStoreException($"the store refused it: {reason}", isAway: false, exception);
    }

    /// <summary>Until something is taken. Does not throw.</summary>
    private async Task AskAgainAsync()
    {
        if (Interlocked.Exchange(ref _asking, 1) == 1)
        {
            return;
        }

        var stop = _stop.Token;
        while (_refusal is not null && !stop.IsCancellationRequested)
        {
            await Task.Delay(RefusalPause, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await EvaluateAsync(Write, TrialKey, 0, ReadOnlyMemory<byte>.Empty, (long)TrialLife.TotalMilliseconds).ConfigureAwait(false);
                _refusal = null;
            }
            catch (SessionStoreException)
            {
                // It was told.
            }
        }

        Volatile.Write(ref _asking, 0);
        if (_refusal is not null && !stop.IsCancellationRequested)
        {
            // It came in between.
            _ = AskAgainAsync();
        }
    }

    /// <summary>Told at once: the library gives an attempt to connect up on a busy machine before it knows why it failed, and forgets the reason with the next one.</summary>
    private bool Distrust(X509Certificate? certificate, SslPolicyErrors errors)
    {
        _watch.Lost(new AuthenticationException($"{certificate?.Subject ?? "no certificate"}, {errors}"));
        return false;
    }

    private SessionStoreException Away(Exception exception)
    {
        _watch.Lost(exception);
        return new SessionStoreException("the store of sessions (Loupe:Sessions:Store) is away", isAway: true, exception);
    }
}
