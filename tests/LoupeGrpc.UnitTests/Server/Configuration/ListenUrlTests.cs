using System.Net;
using LoupeGrpc.Server.Configuration;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

public class ListenUrlTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5005", "127.0.0.1", "http://127.0.0.1:5005", "http://127.0.0.1:7/")]
    [InlineData("http://127.0.0.1:5005/", "127.0.0.1", "http://127.0.0.1:5005", "http://127.0.0.1:7/")]
    [InlineData("HTTP://0.0.0.0:0", "0.0.0.0", "http://0.0.0.0:0", "http://127.0.0.1:7/")]
    [InlineData("http://localhost:80", "127.0.0.1 ::1", "http://localhost:80", "http://localhost:7/")]
    [InlineData("http://LocalHost:80", "127.0.0.1 ::1", "http://localhost:80", "http://localhost:7/")]
    [InlineData("http://*:65535", "::", "http://*:65535", "http://127.0.0.1:7/")]
    [InlineData("http://+:5005", "::", "http://+:5005", "http://127.0.0.1:7/")]
    [InlineData("http://[::]:5005", "::", "http://[::]:5005", "http://127.0.0.1:7/")]
    [InlineData("http://[::1]:5005", "::1", "http://[::1]:5005", "http://[::1]:7/")]
    [InlineData("https://127.0.0.1:5005", "127.0.0.1", "https://127.0.0.1:5005", "https://127.0.0.1:7/")]
    [InlineData("HTTPS://*:0", "::", "https://*:0", "https://127.0.0.1:7/")]
    public void An_address_is_read_and_written_as_people_write_it(string text, string addresses, string written, string client)
    {
        Assert.True(ListenUrl.TryParse(text, out var url, out _));
        Assert.Equal(addresses.Split(' ').Select(IPAddress.Parse), url.Addresses);
        Assert.Equal(int.Parse(text.TrimEnd('/').Split(':')[^1]), url.Port);
        Assert.Equal(written, url.ToString());
        Assert.Equal(new Uri(client), url.ClientAddress(7));
    }

    [Theory]
    [InlineData("unix:/run/loupe.sock", "/run/loupe.sock", "unix:/run/loupe.sock")]
    [InlineData("UNIX:/run/two words.sock", "/run/two words.sock", "unix:/run/two%20words.sock")]
    public void A_socket_is_an_address(string text, string path, string client)
    {
        Assert.True(ListenUrl.TryParse(text, out var url, out _));
        Assert.Equal((path, 0), (url.SocketPath, url.Port));
        Assert.Empty(url.Addresses);
        Assert.True(url.IsLocal);
        Assert.Equal($"unix:{path}", url.ToString());
        Assert.Equal(client, url.ClientAddress(0).OriginalString);
    }

    [Theory]
    [InlineData("http://127.0.0.2:5005", true)]
    [InlineData("https://[::1]:5005", true)]
    [InlineData("http://localhost:5005", true)]
    [InlineData("http://*:5005", false)]
    [InlineData("http://0.0.0.0:5005", false)]
    [InlineData("http://[::]:5005", false)]
    [InlineData("http://192.168.1.7:5005", false)]
    public void Loopback_is_this_machine_alone(string text, bool isLocal)
    {
        Assert.True(ListenUrl.TryParse(text, out var url, out _));
        Assert.Equal(isLocal, url.IsLocal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5005")]
    [InlineData("127.0.0.1:5005")]
    [InlineData("http://127.0.0.1")]
    [InlineData("http://:5005")]
    [InlineData("http://127.0.0.1:65536")]
    [InlineData("http://127.0.0.1:-1")]
    [InlineData("http://127.0.0.1:5005/path")]
    [InlineData("http://example.test:5005")]
    [InlineData("https://127.0.0.1")]
    [InlineData("unix:socket")]
    [InlineData("unix:")]
    [InlineData("unix:/")]
    [InlineData("unix:/run/")]
    [InlineData("unix:/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/01234567")]
    [InlineData("http://unix:/tmp/socket")]
    [InlineData("http://127.0.0.1:5005?query")]
    [InlineData("ftp://127.0.0.1:5005")]
    [InlineData("http://[::ffff:127.0.0.1]:5005")]
    public void What_is_not_an_address_is_said_to_be(string text)
    {
        Assert.False(ListenUrl.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }
}
