using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Receipts;

/// <summary>A server that signs, and a folder with what it signed: `receipts.key`, three pictures in `photos`, and `receipts.jsonl` of them. For tests to copy.</summary>
public sealed class SignedRun(NanoEngine nano) : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private ServerProcess? _server;

    public string Folder => _folder.FullName;

    public Uri Address { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var made = await ServerProcess.RunAsync(["key", "sign", "--output", _folder["receipts.key"]]);
        Assert.Equal((0, string.Empty), (made.Code, made.Code == 0 ? string.Empty : made.Error));
        Assert.Matches("^key id: [0-9a-f]{64}\n$", made.Output);
        _server = ServerProcess.Serve(nano, $"--Loupe:Receipts:Key={_folder["receipts.key"]}");
        Address = await _server.ReadyAsync();
        Directory.CreateDirectory(_folder["photos"]);
        foreach (var name in (string[])["forged-cat-inpainted.png", "authentic-coffee.jpg", "authentic-rocket.png"])
        {
            File.Copy(TestData.Sample(name), _folder["photos", name]);
        }

        var run = await ClientProcess.RunAsync("\"$CLIENT\" analyze photos --format jsonl --receipts receipts.jsonl --mask always", Folder, Address);
        Assert.True(run.ExitCode == 10, run.Error);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Dispose();
    }
}
