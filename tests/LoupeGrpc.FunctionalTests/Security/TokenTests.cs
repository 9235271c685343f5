using System.Security.Claims;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class TokenTests : IDisposable
{
    private static readonly (string, object) Analyst = ("roles", new[] { "analyse", "something else" });

    private readonly TemporaryDirectory _files = new();
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Whoever_the_provider_vouches_for_is_let_in_with_the_roles_it_says()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        await using var server = await StartAsync(provider);

        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(provider.Token(claims: Analyst))));
        Assert.Equal("token:alice", Assert.Single(server.Sessions.List()).Opening.Owner);
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Calls(provider.Token(claims: ("roles", "admin"))));
        Assert.Single((await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token())).Sessions);
        var refusal = await SecureServer.RefusalAsync(server.Calls(provider.Token(claims: ("roles", "observe"))));
        Assert.Equal((StatusCode.PermissionDenied, "token:alice has the role observe, and this needs analyse"), (refusal.StatusCode, refusal.Status.Detail));
        refusal = await SecureServer.RefusalAsync(server.Calls(provider.Token()));
        Assert.Equal((StatusCode.PermissionDenied, "token:alice has no role, and this needs analyse"), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task Roles_may_stand_in_another_claim_as_words()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        await using var server = await StartAsync(provider, static security => security with { RolesClaim = "scope" });
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(provider.Token(claims: ("scope", "openid analyse")))));
        Assert.Equal(StatusCode.PermissionDenied, await SecureServer.AskAsync(server.Calls(provider.Token(claims: Analyst))));
    }

    [Fact]
    public async Task A_token_that_is_wrong_is_refused_with_the_reason()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        await using var server = await StartAsync(provider);
        var whole = provider.Token(claims: Analyst);

        await RefusedAsync("the token is for somebody else (Loupe:Security:Audience)", provider.Token(static token => token.Audience = "another", Analyst));
        await RefusedAsync("the token is of another provider", provider.Token(static token => token.Issuer = "https://elsewhere.test", Analyst));
        await RefusedAsync("the token is not signed by the provider", whole[..(whole.LastIndexOf('.') + 1)] + provider.Token()[(provider.Token().LastIndexOf('.') + 1)..]);
        await RefusedAsync("the token is not signed by the provider", provider.Token(static token => token.SigningCredentials = TestProvider.NewCredentials("key-2"), Analyst));
        await RefusedAsync("the token does not say whose it is (sub)", provider.Token(static token => token.Subject = new ClaimsIdentity(), Analyst));
        await RefusedAsync(
            "the token's subject (sub) has 256 characters, and OpenID lets it have 255",
            provider.Token(static token => token.Subject = new ClaimsIdentity([new Claim("sub", new string('s', 256))]), Analyst));
        await RefusedAsync("the token ends before it begins (exp, nbf)", provider.Token(static token => token.NotBefore = DateTime.MaxValue.AddYears(-1000), Analyst));
        await RefusedAsync("the token is not known here: it is neither a key nor a token of the provider", "nonsense");
        await RefusedAsync("the token is not known here: it is neither a key nor a token of the provider", "a.b.c");
        var unsigned = provider.Token(static token => token.SigningCredentials = null, Analyst);
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls(unsigned)));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(whole)));

        async Task RefusedAsync(string reason, string token)
        {
            var refusal = await SecureServer.RefusalAsync(server.Calls(token));
            Assert.Equal((StatusCode.Unauthenticated, reason), (refusal.StatusCode, refusal.Status.Detail));
        }
    }

    [Theory]
    [InlineData(0, -10, -90, "the token has expired")]
    [InlineData(0, -10, -30, null)]
    [InlineData(30, 90, 600, "the token is not valid yet (Loupe:Security:ClockSkew)")]
    [InlineData(30, 30, 600, null)]
    public async Task Clocks_may_differ_as_far_as_is_set(int issued, int begin, int end, string? reason)
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        await using var server = await StartAsync(provider, static security => security with { ClockSkew = TimeSpan.FromMinutes(1) });
        var now = TestAuthority.Now.UtcDateTime;
        var token = provider.Token(
            token => (token.IssuedAt, token.NotBefore, token.Expires) = (now.AddSeconds(issued), now.AddSeconds(Math.Min(begin, end - 1)), now.AddSeconds(end)), Analyst);

        if (reason is null)
        {
            Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(token)));
        }
        else
        {
            var refusal = await SecureServer.RefusalAsync(server.Calls(token));
            Assert.Equal((StatusCode.Unauthenticated, reason), (refusal.StatusCode, refusal.Status.Detail));
        }
    }

    /// <summary>Nobody is told that his token is wrong when nobody could say so.</summary>
    [Fact]
    public async Task While_the_provider_is_away_tokens_are_not_wrong_and_keys_are_taken()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        var key = await SecureServer.AddKeyAsync(_files["keys.json"], "gate-3");
        await using var server = await StartAsync(provider, security => security with { Keys = _files["keys.json"] });
        var token = provider.Token(claims: Analyst);
        await provider.StopAsync();

        var refusal = await SecureServer.RefusalAsync(server.Calls(token));

        Assert.Equal(
            (StatusCode.Unavailable, "tokens cannot be checked now: the provider (Loupe:Security:Authority) does not answer"), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(key)));
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls("loupe_wrong")));

        // Anybody can send something like it as often as they like.
        Assert.Equal(StatusCode.Unavailable, await SecureServer.AskAsync(server.Calls(token)));
        Assert.Single(server.Log.Lines, static line => line.Contains("Tokens cannot be checked", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_provider_that_answers_with_an_error_is_logged_with_it()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        provider.Status = 503;
        await using var server = await StartAsync(provider);

        Assert.Equal(StatusCode.Unavailable, await SecureServer.AskAsync(server.Calls(provider.Token(claims: Analyst))));
        Assert.Contains(server.Log.Lines, static line => line.Contains("are answered with status 503", StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_the_provider_changes_its_key_the_new_one_is_taken_and_the_old_one_not_any_more()
    {
        await using var provider = await TestProvider.StartAsync(_authority);
        await using var server = await StartAsync(provider);
        var old = provider.Token(claims: Analyst);
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(old)));

        provider.Credentials = TestProvider.NewCredentials("key-2");
        var calls = server.Calls(provider.Token(claims: Analyst));
        // The first one has the keys fetched, beside the calls.
        while (await SecureServer.AskAsync(calls) != StatusCode.OK)
        {
            await Task.Delay(20, Patience.Token());
        }

        var refusal = await SecureServer.RefusalAsync(server.Calls(old));
        Assert.Equal((StatusCode.Unauthenticated, "the token is not signed by the provider"), (refusal.StatusCode, refusal.Status.Detail));
        var bearer = server.Server.Services.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>().Get(JwtBearerDefaults.AuthenticationScheme);
        var kept = Assert.IsAssignableFrom<BaseConfigurationManager>(bearer.ConfigurationManager);
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(10)), (kept.RefreshInterval, kept.AutomaticRefreshInterval, bearer.BackchannelTimeout));
    }

    /// <summary>Whoever could stand in the provider's place could make tokens.</summary>
    [Fact]
    public async Task A_provider_with_a_certificate_of_somebody_else_is_not_believed()
    {
        using var foreign = new TestAuthority("CN=somebody else");
        await using var provider = await TestProvider.StartAsync(foreign);
        await using var server = await StartAsync(provider);
        Assert.Equal(StatusCode.Unavailable, await SecureServer.AskAsync(server.Calls(provider.Token(claims: Analyst))));
    }

    private Task<SecureServer> StartAsync(TestProvider provider, Func<SecurityOptions, SecurityOptions>? change = null)
    {
        File.WriteAllText(_files["provider-ca.pem"], _authority.Pem);
        var security = new SecurityOptions { Authority = provider.Address, Audience = "loupe", AuthorityCertificate = _files["provider-ca.pem"] };
        return SecureServer.StartAsync(new LoupeOptions { Security = change?.Invoke(security) ?? security, Admin = new AdminOptions { Enabled = true } });
    }
}
