using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Security;

public class SecurityValidationTests
{
    private static readonly SecurityOptions Provider = new() { Authority = "https://id.example.test", Audience = "loupe" };

    [Theory]
    [InlineData("http://127.0.0.1:0", "http://127.0.0.1:0")]
    [InlineData("unix:/run/loupe.sock", "http://localhost:0")]
    public void This_machine_alone_needs_nothing(string grpc, string operations) => Assert.Empty(Errors(new LoupeOptions { Endpoints = At(grpc, operations) }));

    [Theory]
    [InlineData("http://*:0", "http://127.0.0.1:0", "Loupe:Endpoints:Grpc is http://*:0")]
    [InlineData("unix:/run/loupe.sock", "http://0.0.0.0:0", "Loupe:Endpoints:Operations is http://0.0.0.0:0")]
    public void Whoever_is_reached_by_others_says_who_may_come_in(string grpc, string operations, string message)
    {
        var options = new LoupeOptions { Endpoints = At(grpc, operations) };
        var error = Assert.Single(Errors(options));
        Assert.StartsWith(message, error, StringComparison.Ordinal);
        foreach (var way in new[] { "Loupe:Security:Keys", "Loupe:Tls:ClientCertificates", "Loupe:Security:Authority", "--open" })
        {
            Assert.Contains(way, error, StringComparison.Ordinal);
        }

        Assert.Empty(Errors(options with { Security = new SecurityOptions { Open = true } }));
        Assert.Empty(Errors(options with { Security = Provider }));
        // Peers of sockets are known, and nobody else.
        Assert.Single(Errors(options with { Security = new SecurityOptions { PeerCredentials = true } }));
    }

    [Fact]
    public void Certificates_of_clients_are_shown_over_TLS_alone() => Assert.Contains(
        Errors(new LoupeOptions { Endpoints = At("http://*:0", "unix:/run/o.sock"), Tls = new TlsOptions { ClientCertificates = ClientCertificatePolicy.Require, ClientAuthority = "/nowhere" } }),
        static error => error.StartsWith("Loupe:Endpoints:Grpc is http://*:0", StringComparison.Ordinal));

    /// <summary>The address of the web has gRPC-Web, and with it the service for operators.</summary>
    [Theory]
    [InlineData("http://*:0", "off", "http://*:0")]
    [InlineData("http://127.0.0.1:0", "http://0.0.0.0:7", "http://0.0.0.0:7")]
    [InlineData("http://127.0.0.1:0", "http://127.0.0.1:0", null)]
    public void Nobody_may_end_sessions_of_strangers(string grpc, string web, string? open) => Assert.Equal(
        open is null ? [] : [$"Loupe:Admin:Enabled is true, and everybody who reaches {open} could end sessions: that needs keys, tokens or client certificates."],
        Errors(new LoupeOptions
        {
            Endpoints = At(grpc, "http://127.0.0.1:0") with { Web = web == ListenUrl.OffWord ? ListenUrl.Off : Parse(web) },
            Security = new SecurityOptions { Open = true },
            Admin = new AdminOptions { Enabled = true },
        }));

    [Fact]
    public void Everything_is_said_at_once() => Assert.Equal(
        [
            "Loupe:Endpoints:Grpc is https://127.0.0.1:0, which needs a certificate: Loupe:Tls:Certificate.",
            "Loupe:Security:Audience is empty: without it every token of the provider would do, whomever it was made for.",
            "Loupe:Security:Authority is 'http://id.example.test': expected https://…, where the provider's discovery document is found.",
            "Loupe:Security:Identities has one name twice.",
            "Loupe:Security:Identities:1:Name is 'gate-3': expected certificate:SUBJECT or user:UID.",
            "Loupe:Security:Identities:2:Name is 'gate-3': expected certificate:SUBJECT or user:UID.",
            "Loupe:Security:Keys: /nowhere/keys.json is not there: 'loupe-grpc-server key add --file /nowhere/keys.json --name NAME' makes one.",
            "Loupe:Tls:ClientCertificates is allow, which needs whom to believe: Loupe:Tls:ClientAuthority.",
        ],
        Errors(new LoupeOptions
        {
            Endpoints = At("https://127.0.0.1:0", "http://127.0.0.1:0"),
            Tls = new TlsOptions { ClientCertificates = ClientCertificatePolicy.Allow },
            Security = new SecurityOptions
            {
                Keys = "/nowhere/keys.json",
                Authority = "http://id.example.test",
                Identities =
                [
                    new IdentityOptions { Name = "user:1000" }, new IdentityOptions { Name = "gate-3" }, new IdentityOptions { Name = "gate-3" },
                ],
            },
        }).Order(StringComparer.Ordinal));

    private static IReadOnlyList<string> Errors(LoupeOptions options) => [.. new SecurityValidation().Validate(null, options).Failures ?? []];

    private static EndpointOptions At(string grpc, string operations) => new() { Grpc = Parse(grpc), Operations = Parse(operations), Web = ListenUrl.Off };

    private static ListenUrl Parse(string text) => ListenUrl.TryParse(text, out var url, out var error) ? url : throw new ArgumentException(error);
}
