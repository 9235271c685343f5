using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>What a record of a session is for Redis: bytes that a real one receives for each.</summary>
internal static partial class StoreTraffic
{
    private const int Interval = 16;
    private const int Frames = 10 * Interval;

    /// <returns>Bytes of a record of a session that does not adapt, and of one that does; null where there is no redis-server.</returns>
    public static async Task<(double Plain, double Adapting)?> MeasureAsync(ReadOnlyMemory<byte> picture, CancellationToken cancellationToken)
    {
        if (!File.Exists("/usr/bin/redis-server"))
        {
            return null;
        }

        var port = FindPort();
        using var redis = Process.Start(new ProcessStartInfo("/usr/bin/redis-server", ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]) { RedirectStandardOutput = true })!;
        try
        {
            await using var server = await ReplicaProcess.StartAsync(
                null, [$"--Loupe:Sessions:Store=redis://127.0.0.1:{port}", $"--Loupe:Sessions:CheckpointInterval={Interval}"], cancellationToken);
            var plain = await RecordAsync(server, port, picture, null, cancellationToken);
            return (plain, await RecordAsync(server, port, picture, ServiceTimes.EveryStep, cancellationToken));
        }
        finally
        {
            redis.Kill();
            await redis.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task<double> RecordAsync(ReplicaProcess server, int port, ReadOnlyMemory<byte> picture, AdaptationSettings? adapts, CancellationToken cancellationToken)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Grpc });
        await using var session = await client.OpenSessionAsync(
            new LoupeSessionOptions { Delivery = new DeliveryPolicy { Mode = DeliveryMode.EveryFrame }, Mask = ServiceTimes.EveryMask, Adaptation = adapts, MaxFramesInFlight = 8 }, cancellationToken);
        var before = await LookAsync();
        var reading = Task.Run(
            async () =>
            {
                var count = 0;
                await foreach (var outcome in session.Results(cancellationToken))
                {
                    if (++count == Frames)
                    {
                        return;
                    }
                }
            },
            cancellationToken);
        for (var id = 0; id < Frames; id++)
        {
            await session.SendAsync(new EncodedFrame(picture) { FrameId = (ulong)id }, cancellationToken);
        }

        await reading;
        // Records are written beside the frames.
        await Task.Delay(500, cancellationToken);
        var after = await LookAsync();
        return (after.Bytes - before.Bytes) / (after.Records - before.Records);

        async Task<(double Bytes, double Records)> LookAsync()
        {
            using var http = new HttpClient();
            var metrics = await http.GetStringAsync(new Uri(server.Operations, "/metrics"), cancellationToken);
            using var redis = new TcpClient();
            await redis.ConnectAsync("127.0.0.1", port, cancellationToken);
            await redis.GetStream().WriteAsync("INFO stats\r\nQUIT\r\n"u8.ToArray(), cancellationToken);
            var info = await new StreamReader(redis.GetStream()).ReadToEndAsync(cancellationToken);
            return (Number(Input().Match(info)), Number(Held().Match(metrics)));
        }
    }

    private static double Number(Match match) => match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    private static int FindPort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex(@"total_net_input_bytes:(\d+)")]
    private static partial Regex Input();

    [GeneratedRegex("""loupe_session_records_total\{[^}]*result="held"[^}]*\} (\d+)""")]
    private static partial Regex Held();
}
