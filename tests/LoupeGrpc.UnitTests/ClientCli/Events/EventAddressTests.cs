using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Events;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Events;

public sealed class EventAddressTests
{
    [Theory]
    [InlineData("mqtt://cam:s%40crét@broker/loupe/gate-3/", "mqtt://broker/loupe/gate-3", "broker", 1883, "loupe/gate-3", "cam", "s@crét")]
    [InlineData("mqtts://[::1]/a", "mqtts://[::1]/a", "::1", 8883, "a", null, null)]
    [InlineData("mqtts://broker:1234/a%20b", "mqtts://broker:1234/a b", "broker", 1234, "a b", null, null)]
    [InlineData("mqtt://only@broker/a", "mqtt://broker/a", "broker", 1883, "a", "only", "")]
    public void A_broker_is_taken_apart_and_shown_without_credentials(string text, string label, string host, int port, string topic, string? user, string? password)
    {
        Assert.True(EventAddress.TryParse(text, out var address, out _));

        var mqtt = Assert.IsType<EventAddress.Mqtt>(address);
        Assert.Equal((label, host, port, topic), (mqtt.ToString(), mqtt.Host, mqtt.PortNumber, mqtt.Topic));
        Assert.Equal((user, password), (mqtt.Credentials?.UserName, mqtt.Credentials?.Password));
    }

    [Theory]
    [InlineData("webhook:https://hooks.example.org/services/T0/secret?token=x", "webhook:https://hooks.example.org/…", "https://hooks.example.org/services/T0/secret?token=x")]
    [InlineData("webhook:http://user:secret@127.0.0.1:8080", "webhook:http://127.0.0.1:8080/", "http://127.0.0.1:8080/")]
    public void A_webhook_is_shown_without_what_may_be_a_secret(string text, string label, string url)
    {
        Assert.True(EventAddress.TryParse(text, out var address, out _));

        var web = Assert.IsType<EventAddress.Web>(address);
        Assert.Equal((label, url), (web.ToString(), web.Url.AbsoluteUri));
    }

    [Theory]
    [InlineData("https://example.org/hook", "an address of HTTP begins with webhook:")]
    [InlineData("webhook:example.org/secret", "it must be webhook:")]
    [InlineData("webhook:mqtt://broker/secret", "it must be webhook:")]
    [InlineData("amqp://user:secret@broker/a", "it must be webhook:")]
    [InlineData("mqtt://user:secret@broker", "names no topic")]
    [InlineData("mqtt://user:secret@broker/a/+/b", "must not hold # or +")]
    [InlineData("mqtt://user:secret@broker/$SYS/a", "nor begin with $")]
    [InlineData("mqtt://user:secret@broker/a?b", "%3F")]
    [InlineData("mqtt://user:secret%0A@broker/a", "control characters")]
    [InlineData("secret", "it must be webhook:")]
    public void What_is_no_address_is_told_without_repeating_it(string text, string problem)
    {
        Assert.False(EventAddress.TryParse(text, out _, out var told));

        Assert.Contains(problem, told, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_have_outboxes_of_their_own()
    {
        Assert.Equal("gate-3", EventOptionSet.NameOf("gate-3"));
        string[] sessions = ["rtsp://***@10.0.0.7/live", "rtsp://***@10.0.0.7?live", "-", ".", "..", "a/b", "a-b", new('x', 100), new('x', 101), "ü"];
        var names = sessions.Select(EventOptionSet.NameOf).ToList();

        Assert.Equal(names.Count, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(names, static name => Assert.Matches("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name));
    }
}
