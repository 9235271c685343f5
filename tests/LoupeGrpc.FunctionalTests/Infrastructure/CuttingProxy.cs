using System.Net;
using System.Net.Sockets;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>
/// A TCP proxy before a server that resets connections: each one after so many bytes as a test says, or all of them now. Cuts fall where they
/// fall, in the middle of messages too.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Queue<Cut> _cuts;
    private readonly CancellationTokenSource _over = new();
    private readonly Task _accepting;
    private readonly Lock _gate = new();
    private readonly List<Task> _serving = [];
    private CancellationTokenSource _now = new();

    /// <param name="server">Where connections lead.</param>
    /// <param name="cuts">What becomes of the first, second … connection; those behind the last live.</param>
    public CuttingProxy(Uri server, params IEnumerable<Cut> cuts)
    {
        Server = server;
        _cuts = new Queue<Cut>(cuts);
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Where the next connections lead.</summary>
    public Uri Server { get; set; }

    /// <summary>Connections that were reset.</summary>
    public int Resets { get; private set; }

    /// <summary>Resets every connection there is.</summary>
    public void CutNow()
    {
        CancellationTokenSource now;
        lock (_gate)
        {
            now = _now;
            _now = new CancellationTokenSource();
        }

        now.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        CutNow();
        await _accepting;
        _listener.Dispose();
        await Task.WhenAll(_serving);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_over.Token);
                _serving.Add(ServeAsync(client, _cuts.TryDequeue(out var cut) ? cut : new Cut()));
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client, Cut cut)
    {
        CancellationToken now;
        lock (_gate)
        {
            now = _now.Token;
        }

        var isCut = false;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var owned = client;
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(Server.Host, Server.Port, now);
            isCut = await await Task.WhenAny(PumpAsync(client, server, cut.AfterSent, now), PumpAsync(server, client, cut.AfterReceived, now));
        }
        catch (OperationCanceledException)
        {
            isCut = true;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One side has gone.
        }

        lock (_gate)
        {
            Resets += isCut ? 1 : 0;
        }

        // Resets, and does not say goodbye.
        client.Close(0);
        server.Close(0);
    }

    /// <returns>True when so many bytes have passed, false when one side has gone.</returns>
    private static async Task<bool> PumpAsync(Socket from, Socket to, int? bytes, CancellationToken now)
    {
        var buffer = new byte[16 * 1024];
        var left = bytes ?? long.MaxValue;
        while (left > 0)
        {
            var count = await from.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), now);
            if (count == 0)
            {
                return false;
            }

            await to.SendAsync(buffer.AsMemory(0, count), now);
            left -= count;
        }

        return true;
    }

    /// <summary>When a connection is reset.</summary>
    /// <param name="AfterSent">When the client has sent so many bytes.</param>
    /// <param name="AfterReceived">When it has received so many.</param>
    internal sealed record Cut(int? AfterSent = null, int? AfterReceived = null);
}
