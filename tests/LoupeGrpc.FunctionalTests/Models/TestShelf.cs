using System.Collections;
using LoupeGrpc.Execution;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Models;

/// <summary>Real packages in folders of the test's own, loaded by what the program loads them with, onto the CPU.</summary>
internal sealed class TestShelf : IAsyncDisposable
{
    private readonly TemporaryDirectory _folders = new();
    private readonly LoggerFactory _loggers;

    private TestShelf()
    {
        _loggers = new LoggerFactory([Log]);
    }

    public LogRecorder Log { get; } = new();

    public ModelRepository Shelf { get; private set; } = null!;

    /// <summary>Bytes that there are for another model; asked while one is loaded.</summary>
    public Func<long> FreeMemory { get; set; } = static () => long.MaxValue;

    /// <summary>That its server is to be started with.</summary>
    public LoupeOptions Options { get; private set; } = new();

    /// <param name="models">The first is the default, and called so.</param>
    public static async Task<TestShelf> LoadAsync(params (string Name, ModelPackage Package)[] models)
    {
        var repository = new TestShelf();
        foreach (var (name, package) in models)
        {
            repository.Put(name, package);
        }

        repository.Options = new LoupeOptions
        {
            Admin = new AdminOptions { Enabled = true },
            Execution = new ExecutionOptions { Providers = [ExecutionOptions.CpuName] },
            Model = new ModelOptions { Path = repository.Folder(models[0].Name) },
            Models = [.. models.Skip(1).Select(model => new NamedModelOptions { Name = model.Name, Path = repository.Folder(model.Name) })],
        };
        var loader = new ModelLoader(
            repository.Options, TestHost.Create(null), new Hashtable(), TimeProvider.System, repository._loggers, null, () => repository.FreeMemory());
        repository.Shelf = await ModelRepository.LoadAsync(repository.Options.ModelSources, loader, repository._loggers.CreateLogger<ModelRepository>(), Patience.Token());
        return repository;
    }

    public Task<RunningServer> StartServerAsync() => RunningServer.StartAsync(Shelf, Options, log: Log);

    public string Folder(string name) => _folders[name];

    /// <summary>A copy of a package in place of what is in the folder, at one stroke.</summary>
    public void Put(string name, ModelPackage package)
    {
        if (Directory.Exists(Folder(name)))
        {
            Directory.Move(Folder(name), _folders[$"before-{Guid.NewGuid():N}"]);
        }

        Directory.Move(TestPackages.Copy(package), Folder(name));
    }

    public async ValueTask DisposeAsync()
    {
        await Shelf.DisposeAsync();
        _loggers.Dispose();
        _folders.Dispose();
    }
}
