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
    public void An_address_is_read_and_written_as_people_write_it(string text, string addresses, string written, string client)
    {
        Assert.True(ListenUrl.TryParse(text, out var url, out _));
        Assert.Equal(addresses.Split(' ').Select(IPAddress.Parse), url.Addresses);
        Assert.Equal(int.Parse(text.TrimEnd('/').Split(':')[^1]), url.Port);
        Assert.Equal(written, url.ToString());
        Assert.Equal(new Uri(client), url.ClientAddress(7));
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
    [InlineData("https://127.0.0.1:5005")]
    [InlineData("unix:/tmp/socket")]
    [InlineData("http://unix:/tmp/socket")]
    [InlineData("http://127.0.0.1:5005?query")]
    [InlineData("ftp://127.0.0.1:5005")]
    public void What_is_not_an_address_is_said_to_be(string text)
    {
        Assert.False(ListenUrl.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }
}
