using System.Net;
using LoupeGrpc.Server.Configuration;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

public class ListenUrlTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5005", "127.0.0.1:5005", "http://127.0.0.1:5005")]
    [InlineData("http://127.0.0.1:5005/", "127.0.0.1:5005", "http://127.0.0.1:5005")]
    [InlineData("HTTP://0.0.0.0:0", "0.0.0.0:0", "http://0.0.0.0:0")]
    [InlineData("http://localhost:80", "127.0.0.1:80", "http://localhost:80")]
    [InlineData("http://*:65535", "[::]:65535", "http://*:65535")]
    [InlineData("http://[::1]:5005", "[::1]:5005", "http://[::1]:5005")]
    public void An_address_is_read_and_written_as_people_write_it(string text, string endPoint, string written)
    {
        Assert.True(ListenUrl.TryParse(text, out var url, out _));
        Assert.Equal(IPEndPoint.Parse(endPoint), url.EndPoint);
        Assert.Equal(written, url.ToString());
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
    public void What_is_no_address_is_said_to_be(string text)
    {
        Assert.False(ListenUrl.TryParse(text, out _, out var mistake));
        Assert.NotEmpty(mistake);
    }
}
