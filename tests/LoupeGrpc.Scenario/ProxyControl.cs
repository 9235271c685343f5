using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LoupeGrpc.Scenario;

/// <summary>Tells the runner's proxy what to do to the connection: one line each, answered with `ok`.</summary>
/// <param name="address">HOST:PORT.</param>
internal sealed class ProxyControl(string address)
{
    public async Task SendAsync(string command)
    {
        using var client = new TcpClient();
        var colon = address.LastIndexOf(':');
        await client.ConnectAsync(address[..colon], int.Parse(address[(colon + 1)..], CultureInfo.InvariantCulture));
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\n"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        if (await reader.ReadLineAsync() is not "ok" and var answer)
        {
            throw new InvalidOperationException($"the proxy answered {command} with {answer}");
        }
    }
}
