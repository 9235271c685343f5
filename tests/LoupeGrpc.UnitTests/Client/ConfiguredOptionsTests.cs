using LoupeGrpc.Client;
using LoupeGrpc.Client.Internal;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Client;

public sealed class ConfiguredOptionsTests
{
    [Fact]
    public void Every_option_that_can_be_written_is_read()
    {
        var read = ConfiguredOptions.Read(
            Section(
                ("address", "unix:/run/loupe.sock"), ("Key", "k"), ("Headers:X-Site", "north"), ("Headers:x-line", "2"), ("AllowUntrustedCertificate", "True"), ("ConnectTimeout", "00:01:00"),
                ("UnaryRetries", "7"), ("KeepAlive", "00:00:03.5"), ("MaxResponseBytes", "70000"), ("ClientName", "gate/2")),
            new LoupeClientOptions());

        Assert.Equal(new Uri("unix:/run/loupe.sock"), read.Address);
        Assert.Equal(new Dictionary<string, string> { ["x-line"] = "2", ["x-site"] = "north" }, read.Headers);
        Assert.Equal(
            ("k", true, TimeSpan.FromMinutes(1), 7, TimeSpan.FromSeconds(3.5), 70_000, "gate/2"),
            (read.Key, read.AllowUntrustedCertificate, read.ConnectTimeout, read.UnaryRetries, read.KeepAlive, read.MaxResponseBytes, read.ClientName));
    }

    [Fact]
    public void What_is_not_there_is_as_before()
    {
        var time = new FakeTimeProvider();
        var defaults = new LoupeClientOptions { Key = "k", TimeProvider = time };

        Assert.Equal(defaults with { UnaryRetries = 1 }, ConfiguredOptions.Read(Section(("UnaryRetries", "1")), defaults));
        Assert.Equal(defaults, ConfiguredOptions.Read(Section(), defaults));
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once_with_its_place()
    {
        var error = Assert.Throws<ArgumentException>(() => ConfiguredOptions.Read(
            Section(
                ("Adress", "http://a"), ("Address", "nowhere"), ("AllowUntrustedCertificate", "perhaps"), ("UnaryRetries", "2.5"), ("KeepAlive", "often"), ("Key", "secret"), ("KeyFile", "/none/key"),
                ("CertificateAuthority", "/none/ca.pem"), ("ClientCertificateKey", "/none/own.key")),
            new LoupeClientOptions()));

        Assert.Collection(
            error.Message.Split(Environment.NewLine).Order(StringComparer.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:Address is 'nowhere': it must be an address: http://HOST:PORT, https://HOST:PORT or unix:/PATH.", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:Adress is no setting of a client: those are Address, Key,", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:AllowUntrustedCertificate is 'perhaps': it must be true or false.", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:CertificateAuthority is '/none/ca.pem', which cannot be used: ", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:ClientCertificateKey is the key of a certificate: give that with Site:Loupe:ClientCertificate.", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:KeepAlive is 'often': it must be a duration: hh:mm:ss.", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:Key and Site:Loupe:KeyFile say the same thing: give one of them.", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:KeyFile is '/none/key', which cannot be used: ", line, StringComparison.Ordinal),
            static line => Assert.StartsWith("Site:Loupe:UnaryRetries is '2.5': it must be a whole number.", line, StringComparison.Ordinal));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The option that is not in its range is told by the client itself.</summary>
    [Fact]
    public void A_client_with_an_impossible_option_is_not_made()
    {
        using var container = new ServiceCollection().AddLoupeClient(Section(("UnaryRetries", "11"))).BuildServiceProvider();

        Assert.Contains("UnaryRetries", Assert.Throws<ArgumentOutOfRangeException>(container.GetRequiredService<LoupeClient>).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_of_several_is_injected_and_has_the_containers_clock()
    {
        var time = new FakeTimeProvider();
        TimeProvider? seen = null;
        using var container = new ServiceCollection()
            .AddSingleton<TimeProvider>(time)
            .AddLoupeClient()
            .AddLoupeClient(options =>
            {
                seen = options.TimeProvider;
                return options with { Address = new Uri("http://second:1") };
            })
            .BuildServiceProvider();

        Assert.Equal(new Uri("http://second:1"), container.GetRequiredService<LoupeClient>().Address);
        Assert.Same(time, seen);
    }

    private static IConfigurationSection Section(params (string Name, string? Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create($"Site:Loupe:{setting.Name}", setting.Value))).Build().GetSection("Site:Loupe");
}
