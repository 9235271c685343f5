using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary><c>health</c>, as a probe runs it.</summary>
public sealed class HealthCommandTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_server_that_is_ready_is_also_where_it_wants_keys()
    {
        await SecureServer.AddKeyAsync(_files["keys.json"], "gate-3");
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Security = new SecurityOptions { Keys = _files["keys.json"] } });
        var address = server.Server.Operations.GetLeftPart(UriPartial.Authority);

        var named = await AskAsync(["--server", address]);
        Assert.Equal((0, string.Empty), (named.Code, named.Error.Trim()));
        Assert.NotEmpty(named.Output);
        Assert.Equal(0, (await AskAsync([], ("Loupe__Endpoints__Operations", address))).Code);
    }

    [Fact]
    public async Task A_socket_will_do()
    {
        Assert.True(ListenUrl.TryParse($"unix:{_files["operations.sock"]}", out var socket, out var error), error);
        await using var server = await SecureServer.StartAsync(
            new LoupeOptions(), endpoints: new EndpointOptions { Grpc = ListenUrl.Loopback(0), Operations = socket, Web = ListenUrl.Loopback(0) });

        Assert.Equal(0, (await AskAsync(["--server", $"unix:{_files["operations.sock"]}"])).Code);
    }

    /// <summary>Of an authority that nobody here trusts, and certificates are wanted of everybody but probes.</summary>
    [Fact]
    public async Task Over_TLS_no_certificate_is_looked_at_and_none_shown()
    {
        using var authority = new TestAuthority();
        TestAuthority.Write(authority.Server(), _files["server.pem"], _files["server.key"]);
        await File.WriteAllTextAsync(_files["ca.pem"], authority.Pem, Patience.Token());
        await using var server = ServerProcess.Start(
            [
                "serve", "--listen", "https://127.0.0.1:0", "--operations", "https://127.0.0.1:0", $"--Loupe:Tls:Certificate={_files["server.pem"]}",
                $"--Loupe:Tls:Key={_files["server.key"]}", "--Loupe:Tls:ClientCertificates=require", $"--Loupe:Tls:ClientAuthority={_files["ca.pem"]}",
            ]);
        var operations = (await server.ReadLineAsync())!.Split(' ')[2]["operations=".Length..];

        Assert.Equal(0, (await AskAsync(["--server", operations])).Code);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Equal(1, (await ServerProcess.RunAsync(["health", "--server", operations])).Code);
    }

    [Fact]
    public async Task The_address_of_gRPC_is_not_the_one_to_ask()
    {
        await using var server = ServerProcess.Start(["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"]);
        var grpc = (await server.ReadLineAsync())!.Split(' ')[1];

        var (code, output, error) = await ServerProcess.RunAsync(["health", "--server", grpc]);

        Assert.Equal((1, string.Empty), (code, output));
        Assert.StartsWith($"error: {grpc} ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9", 1)]
    [InlineData("unix:/no/such.sock", 1)]
    [InlineData("127.0.0.1", 2)]
    public async Task Nobody_there_is_not_ready_and_no_address_is_wrong_usage(string address, int expected)
    {
        var (code, _, error) = await ServerProcess.RunAsync(["health", "--server", address]);

        Assert.Equal(expected, code);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    /// <summary>A probe gives a server five seconds, and on a machine that is busy these may be too few: it is asked again, as orchestrators do.</summary>
    private static async Task<(int Code, string Output, string Error)> AskAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var patience = Patience.Token();
        while (true)
        {
            var answer = await ServerProcess.RunAsync(["health", .. arguments], environment);
            if (!answer.Error.Contains("within 5 s", StringComparison.Ordinal) || patience.IsCancellationRequested)
            {
                return answer;
            }
        }
    }
}
