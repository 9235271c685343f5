using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using LoupeGrpc.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LoupeGrpc.FunctionalTests.Security;

/// <summary>A small OpenID provider over https: a discovery document, its keys, and tokens by whoever asks the test.</summary>
internal sealed class TestProvider : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestProvider(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>The one that its tokens are signed with, and whose key it shows.</summary>
    public SigningCredentials Credentials { get; set; } = NewCredentials("key-1");

    /// <summary>Of its discovery document; 200: it is there.</summary>
    public int Status { get; set; } = StatusCodes.Status200OK;

    public static async Task<TestProvider> StartAsync(TestAuthority authority)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(authority.Server("CN=provider"))));
        var app = builder.Build();
        var provider = new TestProvider(app);
        app.MapGet("/.well-known/openid-configuration", (HttpRequest request) => TypedResults.Json(
            new { issuer = $"https://{request.Host}", jwks_uri = $"https://{request.Host}/keys" }, statusCode: provider.Status));
        app.MapGet("/keys", () =>
        {
            var key = JsonWebKeyConverter.ConvertFromECDsaSecurityKey((ECDsaSecurityKey)provider.Credentials.Key);
            return TypedResults.Json(new { keys = new[] { new { kty = key.Kty, crv = key.Crv, x = key.X, y = key.Y, kid = key.Kid, use = "sig", alg = "ES256" } } });
        });
        await app.StartAsync(Patience.Token());
        return provider;
    }

    public static SigningCredentials NewCredentials(string name) =>
        new(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = name }, SecurityAlgorithms.EcdsaSha256);

    /// <summary>As it should be, but for what is changed.</summary>
    public string Token(Action<SecurityTokenDescriptor>? change = null, params (string Name, object Value)[] claims)
    {
        var now = TestAuthority.Now.UtcDateTime;
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = Address,
            Audience = "loupe",
            NotBefore = now.AddMinutes(-1),
            IssuedAt = now.AddMinutes(-1),
            Expires = now.AddMinutes(5),
            SigningCredentials = Credentials,
            Subject = new ClaimsIdentity([new Claim("sub", "alice")]),
            Claims = claims.ToDictionary(static claim => claim.Name, static claim => claim.Value),
        };
        change?.Invoke(descriptor);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);
    }

    public Task StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
