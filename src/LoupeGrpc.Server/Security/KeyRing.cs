using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Security;

/// <summary>The keys that are taken now. Thread-safe.</summary>
internal sealed class KeyRing(LoupeOptions options, ILogger<KeyRing> logger) : IReloadable, IDisposable
{
    private volatile Dictionary<string, HeldKey> _byHash = [];

    public IReadOnlyList<string> Files { get; } = options.Security.Keys.Length > 0 ? [options.Security.Keys] : [];

    /// <summary>Whose key it is; null: nobody's. Keys are found by their hash, so how long that takes says nothing about one.</summary>
    public HeldKey? Find(string secret)
    {
        var hash = AccessKey.HashOf(secret);
        return _byHash.GetValueOrDefault(hash) is { } held && held.Key.Has(hash) ? held : null;
    }

    /// <exception cref="InvalidDataException"/>
    public void Load() => Replace(KeyFile.Read(Files[0]));

    public string? Reload()
    {
        try
        {
            var (added, revoked) = Replace(KeyFile.Read(Files[0]));
            if (added + revoked > 0)
            {
                SecurityLog.KeysReloaded(logger, Files[0], _byHash.Count, added, revoked);
            }

            return null;
        }
        catch (InvalidDataException exception)
        {
            return exception.Message;
        }
    }

    public void LogBroken(string problem) => SecurityLog.KeysBroken(logger, problem, _byHash.Count);

    public void Dispose()
    {
        foreach (var held in _byHash.Values)
        {
            held.Dispose();
        }
    }

    private (int Added, int Revoked) Replace(IReadOnlyList<AccessKey> keys)
    {
        var before = _byHash;
        var after = new Dictionary<string, HeldKey>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            after.Add(key.Hash, before.GetValueOrDefault(key.Hash)?.TryChange(key) ?? new HeldKey(key));
        }

        _byHash = after;
        var revoked = before.Values.Where(held => after.GetValueOrDefault(held.Key.Hash) != held).ToList();
        revoked.ForEach(static held => held.Revoke());
        return (after.Values.Count(held => before.GetValueOrDefault(held.Key.Hash) != held), revoked.Count);
    }
}

/// <summary>A key that is taken until it is revoked.</summary>
internal sealed class HeldKey : IDisposable
{
    private readonly CancellationTokenSource _revoked = new();

    private volatile AccessKey _key;

    public HeldKey(AccessKey key) => _key = key;

    public AccessKey Key => _key;

    public Caller Caller => new($"key:{Key.Name}", [Roles.Of(Key.Role)!.Value], Key.Sessions, Key.FramesPerSecond) { Revoked = _revoked.Token };

    /// <returns>This one with other limits; null: with another name or role it is another.</returns>
    public HeldKey? TryChange(AccessKey key)
    {
        if (key.Name != Key.Name || key.Role != Key.Role)
        {
            return null;
        }

        _key = key;
        return this;
    }

    /// <summary>Whoever hears it does so on another thread. Whoever asks later finds it canceled, so nothing is disposed of.</summary>
    public void Revoke() => _ = _revoked.CancelAsync();

    public void Dispose() => _revoked.Dispose();
}
