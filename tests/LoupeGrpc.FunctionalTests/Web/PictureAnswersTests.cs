using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Reporting;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary>The forms in which pictures are answered over plain HTTP, by the real engine.</summary>
public sealed class PictureAnswersTests(NanoEngine nano) : IDisposable
{
    /// <summary>What a browser sends that is shown a link.</summary>
    private const string Browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8";

    private const string Hostile = "<img src=x onerror=alert(1)>\u202e.png";

    private static readonly byte[] Forged = File.ReadAllBytes(TestData.Sample("forged-cat-in-coffee.jpg"));

    /// <summary>More than the system takes for a reader that does not read.</summary>
    private const int LargeBytes = 8 << 20;

    /// <summary>A file of half a megabyte whose overlay, without JPEG's losses, has more than <see cref="LargeBytes"/>.</summary>
    private static readonly Lazy<byte[]> Large = new(static () =>
    {
        using var noise = new Mat(1800, 2400, MatType.CV_8UC3);
        Cv2.Randu(noise, new Scalar(0, 0, 0), new Scalar(256, 256, 256));
        return noise.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, 8));
    });

    private static readonly LoupeOptions Impatient = new() { Connections = new ConnectionOptions { BodyTimeout = TimeSpan.FromSeconds(1) } };

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("image/png", "image/png")]
    [InlineData("image/*", "image/png")]
    [InlineData("text/html", "text/html")]
    [InlineData("text/html;charset=utf-8", "text/html")]
    [InlineData(Browser, "text/html")]
    [InlineData("application/json;q=0.5, image/png", "image/png")]
    [InlineData("image/png;q=0.2, application/json;q=0.9", "application/json")]
    [InlineData("*/*;q=0.1, text/html;q=0.9", "text/html")]
    [InlineData("*/*, image/png", "image/png")]
    [InlineData("application/json;q=0, */*", "image/png")]
    [InlineData("application/*;q=0, image/png;q=0, */*", "text/html")]
    public async Task What_is_liked_best_is_answered(string? accept, string type)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var response = await PostAsync(server, new ByteArrayContent(Forged), accept);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(["Accept"], response.Headers.Vary);
        var answer = await response.Content.ReadAsByteArrayAsync(Patience.Token());
        Assert.Equal(answer.Length, response.Content.Headers.ContentLength);
        Assert.True(answer.AsSpan().StartsWith(type switch { "image/png" => [0x89, (byte)'P', (byte)'N', (byte)'G'], "text/html" => "<!doctype html>"u8, _ => "{\"frame_id\":0,"u8 }));
        await LeftAsync(server);
    }

    [Theory]
    [InlineData("image/webp")]
    [InlineData("application/json;q=0")]
    [InlineData("text/html;q=0, text/*")]
    public async Task Who_takes_none_of_them_is_told_which_there_are(string accept)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        await RefusedAsync(server, new ByteArrayContent(Forged), accept, 406, "UNSUPPORTED", "application/json, image/png or text/html");
    }

    /// <summary>The mask is in stored pixels, whichever way the picture is seen.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(3)]
    public async Task An_overlay_is_what_the_tool_paints_and_stands_upright(int orientation)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        byte[] file = [0xFF, 0xD8, 0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0, .. Forged.AsSpan(2)];
        using var json = await PostAsync(server, new ByteArrayContent(file), null);
        var row = JsonNode.Parse(await json.Content.ReadAsStringAsync(Patience.Token()))!;
        Assert.Equal(orientation == 1 ? null : orientation, (int?)row["orientation"]);
        using var stored = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
        var mask = CocoRleDecoder.Decode((uint)stored.Height, (uint)stored.Width, (string)row["mask"]!["counts"]!);
        using var marked = mask.ToMat();
        using var expected = OverlayPainter.Paint(stored, marked, Verdict.Manipulated, (float)row["score"]!, new OverlayStyle(orientation, IsDemonstration: true));
        Assert.Equal(orientation == 6 ? new Size(240, 320) : new Size(320, 240), expected.Size());

        using var response = await PostAsync(server, new ByteArrayContent(file), "image/png");
        using var overlay = Cv2.ImDecode(await response.Content.ReadAsByteArrayAsync(Patience.Token()), ImreadModes.Unchanged);

        Assert.Equal(expected.Size(), overlay.Size());
        Assert.Equal(0, Cv2.Norm(expected, overlay));
        await LeftAsync(server);
    }

    [Fact]
    public async Task A_picture_in_tiles_and_one_without_a_mask_have_overlays_too()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        foreach (var query in (string[])["?tiles=native&max_tiles=4", "?mask=never", "?mask=always"])
        {
            using var response = await PostAsync(server, new ByteArrayContent(Forged), "image/png", query);
            using var overlay = Cv2.ImDecode(await response.Content.ReadAsByteArrayAsync(Patience.Token()), ImreadModes.Unchanged);
            Assert.Equal(new Size(320, 240), overlay.Size());
        }

        await LeftAsync(server);
    }

    [Fact]
    public async Task A_report_has_all_pictures_with_those_that_failed_and_nothing_of_a_name_is_markup()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(Forged), "file", "cat.jpg" }, { new ByteArrayContent("no picture"u8.ToArray()), "file", "broken.jpg" },
            { new ByteArrayContent(File.ReadAllBytes(TestData.Sample("authentic-rocket.png"))), "file", Uri.EscapeDataString(Hostile) },
        };
        // As RFC 5987 has it: whatever a name may be, the form is one.
        form.Last().Headers.ContentDisposition!.FileName = null;
        form.Last().Headers.ContentDisposition!.FileNameStar = Hostile;

        using var response = await PostAsync(server, form, "text/html", "?explain=en");
        var html = await response.Content.ReadAsStringAsync(Patience.Token());

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("sandbox", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Contains("<h1>Report on 3 pictures</h1>", html, StringComparison.Ordinal);
        Assert.Contains("A demonstration model answered", html, StringComparison.Ordinal);
        Assert.Equal(["manipulated", "failed", "authentic"], Regex.Matches(html, "<article class=\"entry ([a-z-]+)\"").Select(static entry => entry.Groups[1].Value));
        // The forged one and what was marked in it, and the authentic one.
        Assert.Equal(3, Regex.Count(html, "src=\"data:image/jpeg;base64,"));
        Assert.Contains("<ul class=\"sentences\" lang=\"en\">", html, StringComparison.Ordinal);
        Assert.Contains("<code>explain</code>", html, StringComparison.Ordinal);
        Assert.Contains("&lt;img src=x onerror=alert(1)&gt;", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=x", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', html);
        await LeftAsync(server);
    }

    [Fact]
    public async Task An_overlay_of_several_pictures_is_refused_with_what_to_do()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var form = new MultipartFormDataContent { { new ByteArrayContent(Forged), "file", "a.jpg" }, { new ByteArrayContent(Forged), "file", "b.jpg" } };
        await RefusedAsync(server, form, "image/png", 406, "UNSUPPORTED", "send one in a request");
        await LeftAsync(server);
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("text/html")]
    public async Task Whatever_is_accepted_a_problem_is_a_problem(string accept)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1 << 20 } });
        await RefusedAsync(server, new ByteArrayContent("no picture"u8.ToArray()), accept, 400, "INVALID", "");
        await RefusedAsync(server, new ByteArrayContent(Forged[..200]), accept, 400, "INVALID", "");
        await RefusedAsync(server, new ByteArrayContent(new byte[(1 << 20) + 1]), accept, 413, "TOO_LARGE", "Loupe:Limits:MaxFrameBytes");
        await RefusedAsync(server, new ByteArrayContent(Forged), accept, 400, "INVALID", "expected always, suspected or never", "?mask=maybe");
        await RefusedAsync(server, new MultipartFormDataContent { { new StringContent("x"), "other" } }, accept, 400, "INVALID", "expected 'file' alone");
        await LeftAsync(server);
    }

    /// <summary>It needs memory of its own, which is taken from the frames' before anything is decoded.</summary>
    [Theory]
    [InlineData("image/png")]
    [InlineData("text/html")]
    public async Task Without_memory_to_show_it_a_picture_is_refused_and_analysed_as_before(string accept)
    {
        const long room = 1 << 20;
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxBufferedBytes = room } });
        using (server.Ledger.Frames.TryTake(0, 1)!)
        {
            using var json = await PostAsync(server, new ByteArrayContent(Forged), null);
            Assert.Equal(HttpStatusCode.OK, json.StatusCode);
            await RefusedAsync(server, new ByteArrayContent(Forged), accept, 503, "OVERLOADED", "Loupe:Limits:MaxBufferedBytes");
        }

        // Larger than all of it: it passes alone.
        using var shown = await PostAsync(server, new ByteArrayContent(Forged), accept);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        await LeftAsync(server);
    }

    /// <summary>Their connections are open, and they want none of what they asked for.</summary>
    [Fact]
    public async Task Readers_that_do_not_read_are_cut_off_and_give_their_memory_back()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, Impatient);
        using var one = await AskAsync(server);
        using var other = await AskAsync(server);
        foreach (var reader in (Socket[])[one, other])
        {
            // It is answered, and reads no further.
            var begun = new byte[15];
            Assert.Equal("HTTP/1.1 200 OK", Encoding.ASCII.GetString(begun, 0, await reader.ReceiveAsync(begun, Patience.Token())));
        }

        // Before somebody reads on, or goes.
        await LeftAsync(server);

        Assert.InRange(await CountAsync(one), 0, LargeBytes);
        Assert.InRange(await CountAsync(other), 0, LargeBytes);
    }

    [Fact]
    public async Task A_reader_that_takes_its_time_but_reads_gets_all()
    {
        var pause = TimeSpan.FromSeconds(3);
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Connections = new ConnectionOptions { BodyTimeout = pause } });
        using var reader = await AskAsync(server);
        var buffer = new byte[512 << 10];
        var read = await reader.ReceiveAsync(buffer, Patience.Token());
        var head = Encoding.ASCII.GetString(buffer, 0, read);
        var length = long.Parse(Regex.Match(head, "Content-Length: ([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        var total = (long)read - (head.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4);

        // Longer in all than it may pause once, and each time as much as the system holds back until it tells the server that there is room again.
        for (var i = 0; i < 4; i++)
        {
            await Task.Delay(pause / 3, Patience.Token());
            total += await CountAsync(reader, 2 << 20);
        }

        Assert.Equal(length, total + await CountAsync(reader, length - total));
        Assert.InRange(length, LargeBytes, long.MaxValue);
        await LeftAsync(server);
    }

    /// <summary>Asks for the overlay of a picture of noise, which is larger than what the system takes for a reader.</summary>
    private static async Task<Socket> AskAsync(RunningServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 << 10 };
        await socket.ConnectAsync(server.Server.Web!.Host, server.Server.Web.Port, Patience.Token());
        var head = $"POST /v1/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: image/png\r\nContent-Type: image/jpeg\r\nContent-Length: {Large.Value.Length}\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(head), Patience.Token());
        for (var sent = 0; sent < Large.Value.Length;)
        {
            sent += await socket.SendAsync(Large.Value.AsMemory(sent), Patience.Token());
        }

        return socket;
    }

    /// <summary>Bytes until the end, or until the connection is reset.</summary>
    /// <param name="most">No more are read.</param>
    private static async Task<long> CountAsync(Socket socket, long most = long.MaxValue)
    {
        var buffer = new byte[1 << 20];
        long total = 0;
        try
        {
            while (total < most && await socket.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, most - total)), Patience.Token()) is > 0 and var read)
            {
                total += read;
            }
        }
        catch (SocketException)
        {
            // Cut off.
        }

        return total;
    }

    private async Task<HttpResponseMessage> PostAsync(RunningServer server, HttpContent body, string? accept, string query = "")
    {
        if (body is ByteArrayContent)
        {
            body.Headers.ContentType ??= new MediaTypeHeaderValue("image/jpeg");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Server.Web!, $"/v1/analyze{query}")) { Content = body };
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        return await _http.SendAsync(request, Patience.Token());
    }

    private async Task RefusedAsync(RunningServer server, HttpContent body, string accept, int status, string code, string detail, string query = "")
    {
        using var response = await PostAsync(server, body, accept, query);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(Patience.Token()))!;
        Assert.Equal((status, code), ((int)response.StatusCode, (string?)problem["code"]));
        Assert.Contains(detail, (string?)problem["detail"], StringComparison.Ordinal);
    }

    /// <summary>Nothing is held any more.</summary>
    private static Task LeftAsync(RunningServer server) =>
        Patience.UntilAsync(() => server.Ledger.Frames.Held.Bytes == 0 && server.Ledger.Receiving.Held.Bytes == 0);
}
