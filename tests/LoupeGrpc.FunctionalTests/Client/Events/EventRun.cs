using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>A folder of six frames, a server that says of them what a test wants, and the client that tells somebody.</summary>
internal sealed class EventRun : IAsyncDisposable
{
    public const int Frames = 6;

    private readonly TemporaryDirectory _folder = new();
    private FakeAnalysisServer? _server;

    public EventRun()
    {
        Directory.CreateDirectory(_folder["frames"]);
        for (var i = 0; i < Frames; i++)
        {
            File.Copy(TestData.Sample("authentic-coffee.jpg"), _folder["frames", $"{i}.jpg"]);
        }
    }

    public TemporaryDirectory Folder => _folder;

    /// <summary>Of the last start.</summary>
    public FakeAnalysisServer Server => _server!;

    public string Outbox => _folder["gate.outbox"];

    /// <summary>What a program printed that was started.</summary>
    public string Rows => File.Exists(_folder["rows"]) ? ReadShared(_folder["rows"]) : "";

    public int InOutbox(string type) => File.Exists(Outbox) ? ReadShared(Outbox).Split($"\"loupe.v1.{type}\"").Length - 1 : 0;

    /// <summary>A server for the runs that follow; it takes the place of the one before.</summary>
    public async Task ServeAsync(FakeAnalysisService service)
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _server = await FakeAnalysisServer.StartAsync(service);
    }

    /// <summary>The command in this process, from its start to its end.</summary>
    /// <param name="command">`analyze` or `stream`, with options of its own.</param>
    public Task<CliRun> RunAsync(string[] command, string address, params string[] arguments) => CliRun.OfAsync(
        [command[0], _folder["frames"], .. command[1..], "--server", Server.Address.ToString(), "--events", address, "--events-outbox", Outbox, .. arguments]);

    /// <summary>A program of its own, which can be killed.</summary>
    /// <param name="command">As of <see cref="RunAsync"/>.</param>
    public ClientProcess Start(string[] command, string address, params string[] arguments) => ClientProcess.Start(
        $"exec \"$CLIENT\" {command[0]} frames {string.Join(' ', command[1..])} --events {address} --events-outbox gate.outbox {string.Join(' ', arguments)} > rows", _folder.FullName, Server.Address);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Dispose();
    }

    [SuppressMessage("Performance", "CA1849:Call async methods when in an async method", Justification = "It is asked again and again.")]
    private static string ReadShared(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }
}
