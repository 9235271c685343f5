using LoupeGrpc.Execution;
using LoupeGrpc.Launch;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>
/// The models that are served, each under its name, and what takes their place while the server runs: another package is loaded beside the one that serves and has
/// whoever comes from then on; who is on the one before ends there, and with the last of them it is freed. What cannot serve changes nothing. Thread-safe.
/// </summary>
internal sealed class ModelRepository : IAsyncDisposable
{
    private readonly IModelLoader _loader;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _changing = new(1);
    private readonly List<ModelVersion> _serving = [];
    private readonly List<ModelVersion> _leaving = [];
    private readonly HashSet<Task> _freeing = [];
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _freed;

    private ModelRepository(IModelLoader loader, ILogger logger) => (_loader, _logger) = (loader, logger);

    /// <summary>Done when a device that serves is lost, with the reason: nothing can be analysed on it any more, by whichever model.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Packages that were freed so far, of those that were replaced.</summary>
    public int Freed => Volatile.Read(ref _freed);

    /// <summary>For those who name none.</summary>
    public IFrameAnalyzer Default
    {
        get
        {
            lock (_lock)
            {
                return _serving[0].Analyzer;
            }
        }
    }

    /// <summary>What may be asked for; the first is the default.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_lock)
            {
                return [.. _serving.Select(static version => version.Name)];
            }
        }
    }

    /// <summary>Whether a run of any package takes far longer than it should.</summary>
    public bool IsOverdue => List().Any(static version => version.Analyzer.IsOverdue);

    /// <summary>Loads every model; the repository is the caller's.</summary>
    /// <param name="sources">At least one; the first is for those who name none.</param>
    /// <exception cref="Packaging.PackageException">One is no package, or a broken one.</exception>
    /// <exception cref="Engine.ModelLoadException">One cannot serve.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<ModelRepository> LoadAsync(IReadOnlyList<ModelSource> sources, IModelLoader loader, ILogger logger, CancellationToken cancellationToken)
    {
        var repository = new ModelRepository(loader, logger);
        try
        {
            foreach (var source in sources)
            {
                repository.Put(source, (await loader.LoadAsync(source, null, beside: false, cancellationToken).ConfigureAwait(false))!);
            }

            return repository;
        }
        catch
        {
            await repository.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>One model that is somebody else's to load and to free.</summary>
    public static ModelRepository Of(IFrameAnalyzer analyzer)
    {
        var repository = new ModelRepository(new NoLoader(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        repository.Put(new ModelSource(ModelSource.DefaultName, string.Empty), LoadedModel.Borrow(analyzer));
        return repository;
    }

    /// <summary>Everything that is loaded: what serves in the order of the settings, then what leaves.</summary>
    public IReadOnlyList<ModelStatus> List()
    {
        lock (_lock)
        {
            return [.. _serving.Concat(_leaving).Select(StatusOf)];
        }
    }

    /// <summary>What of <see cref="List"/> does not leave.</summary>
    public IReadOnlyList<ModelStatus> ListServing() => [.. List().Where(static model => !model.IsLeaving)];

    /// <summary>A place on what serves under a name now.</summary>
    /// <param name="name">Empty: the default.</param>
    /// <param name="pinned">It stays on its provider, whatever serves later.</param>
    /// <returns>Null where nothing has the name.</returns>
    public ModelLease? TryTake(string name, bool pinned)
    {
        ModelVersion version;
        lock (_lock)
        {
            if (Find(name) is not { } found)
            {
                return null;
            }

            version = found;
            version.Users++;
        }

        return Lease(version, pinned);
    }

    /// <summary>A place on a package, under whatever name it serves, or served until now.</summary>
    /// <param name="hash">Of the package.</param>
    /// <param name="pinned">It stays on its provider, whatever serves later.</param>
    /// <returns>Null where it is not loaded.</returns>
    public ModelLease? TryTakePackage(string hash, bool pinned)
    {
        ModelVersion version;
        lock (_lock)
        {
            if (_serving.Concat(_leaving).FirstOrDefault(loaded => loaded.Analyzer.Model.Hash == hash) is not { } found)
            {
                return null;
            }

            version = found;
            version.Users++;
        }

        return Lease(version, pinned);
    }

    /// <summary>Why <see cref="TryTakePackage"/> has no place.</summary>
    public string UnknownPackage(string hash) =>
        $"the session belongs to the model {hash[..Math.Min(8, hash.Length)]}; this server runs {string.Join(", ", List().Select(static model => model.Analyzer.Model.ShortHash))}";

    /// <summary>Whether a package is loaded.</summary>
    /// <param name="hash">Of it.</param>
    public bool HasPackage(string hash) => List().Any(model => model.Analyzer.Model.Hash == hash);

    /// <summary>What serves under a name now; null where nothing has it.</summary>
    /// <param name="name">Empty: the default.</param>
    public ModelDescription? Describe(string name)
    {
        lock (_lock)
        {
            return Find(name)?.Analyzer.Model;
        }
    }

    /// <summary>Why <see cref="TryTake"/> has no place, for the one who asked.</summary>
    public string Unknown(string name)
    {
        // As much as a name may have, and nothing that drives a terminal: anybody may send anything.
        var shown = string.Concat(name.Take(NamedModelOptions.MaxNameLength).Select(static letter => TerminalLetters.IsHarmful(letter) || char.IsSurrogate(letter) ? '\uFFFD' : letter));
        var names = Names;
        return $"model '{shown}{(name.Length > shown.Length ? "…" : "")}' is not served here: expected {string.Join(" or ", names)}, or none for {names[0]}";
    }

    /// <summary>Looks at one folder anew.</summary>
    /// <param name="name">Empty: the default.</param>
    /// <returns>Null where nothing has the name.</returns>
    /// <exception cref="OperationCanceledException"/>
    public async Task<ModelChange?> ReloadAsync(string name, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ModelSource? source;
            lock (_lock)
            {
                source = Find(name)?.Source;
            }

            return source is null ? null : await ChangeAsync(source, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Looks at every folder, after settings that may name others. A name that is no longer there leaves, unless something of what was asked for cannot serve.</summary>
    /// <param name="sources">At least one.</param>
    /// <exception cref="OperationCanceledException"/>
    public async Task<IReadOnlyList<ModelChange>> ReloadAsync(IReadOnlyList<ModelSource> sources, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            List<ModelChange> changes = [];
            foreach (var source in sources)
            {
                changes.Add(await ChangeAsync(source, cancellationToken).ConfigureAwait(false));
            }

            // Otherwise those who name no model might get one that nobody meant for them.
            if (changes.All(static change => change.Refusal is null))
            {
                Arrange(sources);
            }

            return changes;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Ends runs in progress and answers everything inside: for a host whose time to drain is over.</summary>
    public void Abort()
    {
        lock (_lock)
        {
            foreach (var version in _serving.Concat(_leaving))
            {
                version.Loaded.Abort();
            }
        }
    }

    /// <summary>Frees everything. Nobody may have a lease any more, or come for one.</summary>
    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        List<ModelVersion> left;
        Task[] freeing;
        lock (_lock)
        {
            (left, freeing) = ([.. _serving, .. _leaving], [.. _freeing]);
            _serving.Clear();
            _leaving.Clear();
        }

        await Task.WhenAll(freeing).ConfigureAwait(false);
        foreach (var version in left)
        {
            await version.Loaded.DisposeAsync().ConfigureAwait(false);
        }

        _changing.Dispose();
    }

    /// <param name="version">Of which one user more was counted.</param>
    private ModelLease Lease(ModelVersion version, bool pinned)
    {
        try
        {
            return new ModelLease(version, pinned, Leave);
        }
        catch
        {
            Leave(version);
            throw;
        }
    }

    private static ModelStatus StatusOf(ModelVersion version) => new(version.Name, version.Analyzer, version.Users, version.IsLeaving);

    /// <summary>Within the lock.</summary>
    private ModelVersion? Find(string name) => name.Length == 0 ? _serving[0] : _serving.Find(version => version.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>One at a time.</summary>
    private async Task<ModelChange> ChangeAsync(ModelSource source, CancellationToken cancellationToken)
    {
        ModelVersion? before;
        lock (_lock)
        {
            before = Find(source.Name);
            if (before is { Source.IsEmbedded: true } && source.IsEmbedded)
            {
                // It is the program's, and cannot change before that does.
                return new ModelChange(source.Name, StatusOf(before), false, 0, null);
            }
        }

        try
        {
            if (await _loader.LoadAsync(source, before?.Analyzer.Model.Hash, beside: true, cancellationToken).ConfigureAwait(false) is not { } loaded)
            {
                lock (_lock)
                {
                    before!.Source = source;
                    return new ModelChange(source.Name, StatusOf(before), false, 0, null);
                }
            }

            var (now, left) = Put(source, loaded);
            ModelLog.Changed(_logger, source.Name, now.Title, before?.Title ?? "nothing", left);
            lock (_lock)
            {
                return new ModelChange(source.Name, StatusOf(now), true, left, null);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever it is, nobody who is served may notice.
            ModelLog.Refused(_logger, source.Name, before is null ? "nothing serves under this name" : $"{before.Title} serves on", exception.Message);
            lock (_lock)
            {
                return new ModelChange(source.Name, before is null ? null : StatusOf(before), false, 0, exception.Message);
            }
        }
    }

    /// <summary>From now on this has the name.</summary>
    /// <returns>It, and who ends on the one before.</returns>
    private (ModelVersion Now, int Left) Put(ModelSource source, LoadedModel loaded)
    {
        var now = new ModelVersion(source, loaded);
        var left = 0;
        _ = WatchAsync(now.Name, loaded.Lost);
        ModelVersion? before;
        lock (_lock)
        {
            var place = _serving.FindIndex(version => version.Name.Equals(source.Name, StringComparison.OrdinalIgnoreCase));
            before = place < 0 ? null : _serving[place];
            if (before is null)
            {
                _serving.Add(now);
            }
            else
            {
                _serving[place] = now;
                left = before.Users;
                Retire(before);
            }
        }

        return (now, left);
    }

    /// <summary>As the settings have them: in their order, and nothing else.</summary>
    private void Arrange(IReadOnlyList<ModelSource> sources)
    {
        List<ModelVersion> gone;
        lock (_lock)
        {
            List<ModelVersion> kept = [.. sources.Select(source => Find(source.Name)!)];
            gone = [.. _serving.Except(kept)];
            _serving.Clear();
            _serving.AddRange(kept);
            gone.ForEach(Retire);
        }

        foreach (var version in gone)
        {
            ModelLog.Removed(_logger, version.Name, version.Title);
        }
    }

    private void Leave(ModelVersion version)
    {
        lock (_lock)
        {
            version.Users--;
            FreeIfLeft(version);
        }
    }

    /// <summary>Within the lock.</summary>
    private void Retire(ModelVersion version)
    {
        version.IsLeaving = true;
        _leaving.Add(version);
        FreeIfLeft(version);
    }

    /// <summary>Within the lock.</summary>
    private void FreeIfLeft(ModelVersion version)
    {
        if (version is { IsLeaving: true, Users: 0 } && _leaving.Remove(version))
        {
            // Joins threads: not on the one that gave the last answer.
            var freeing = Task.Run(() => FreeAsync(version.Loaded, version.Name, version.Title));
            _freeing.Add(freeing);
            _ = freeing.ContinueWith(
                done =>
                {
                    lock (_lock)
                    {
                        _freeing.Remove(done);
                    }
                },
                CancellationToken.None,
                TaskContinuationOptions.None,
                TaskScheduler.Default);
        }
    }

    /// <summary>Nobody waits for it but the end.</summary>
    private async Task FreeAsync(LoadedModel loaded, string name, string title)
    {
        try
        {
            await loaded.DisposeAsync().ConfigureAwait(false);
            Interlocked.Increment(ref _freed);
            ModelLog.Freed(_logger, name, title);
        }
#pragma warning disable CA1031 // Whatever it is, there is nothing left to do but to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ModelLog.NotFreed(_logger, name, title, exception);
        }
    }

    private async Task WatchAsync(string name, Task<string> lost)
    {
        var reason = await lost.ConfigureAwait(false);
        _lost.TrySetResult($"{name}: {reason}");
    }

    private sealed class NoLoader : IModelLoader
    {
        public Task<LoadedModel?> LoadAsync(ModelSource source, string? serving, bool beside, CancellationToken cancellationToken) => Task.FromResult<LoadedModel?>(null);
    }
}
