namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>A server that does what a test tells it.</summary>
internal sealed class FakeAnalysisServer : IAsyncDisposable
{
    private readonly FakeHost _host;

    private FakeAnalysisServer(FakeHost host, FakeAnalysisService service)
    {
        _host = host;
        Service = service;
    }

    public Uri Address => _host.Address;

    public FakeAnalysisService Service { get; }

    /// <param name="service">What it answers.</param>
    /// <param name="port">0 picks a free one.</param>
    public static async Task<FakeAnalysisServer> StartAsync(FakeAnalysisService service, int port = 0) =>
        new(await FakeHost.StartAsync(service, port), service);

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
