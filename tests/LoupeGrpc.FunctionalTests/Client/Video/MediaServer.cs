using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>An HTTP server of a folder, and of a camera that sends JPEG after JPEG.</summary>
internal sealed class MediaServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private MediaServer(WebApplication app) => _app = app;

    /// <summary>E.g. `http://127.0.0.1:40123`.</summary>
    public string Address => _app.Urls.Single();

    /// <param name="folder">Served under its files' names; `cut/NAME` promises the whole file and sends half of it.</param>
    /// <param name="pictures">What `/mjpeg` sends, ten a second, again and again.</param>
    /// <param name="port">0 picks a free one.</param>
    /// <param name="before">What a picture waits for beside its tenth of a second, by its number.</param>
    public static async Task<MediaServer> StartAsync(string folder, IReadOnlyList<byte[]>? pictures = null, int port = 0, Func<int, Task>? before = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var app = builder.Build();
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(folder), ServeUnknownFileTypes = true });
        app.MapGet("/cut/{name}", (string name, HttpContext context) => SendHalfAsync(Path.Combine(folder, name), context));
        app.MapGet("/mjpeg", context => SendPicturesAsync(pictures ?? [], before ?? (static _ => Task.CompletedTask), context));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new MediaServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        // A camera that breaks says no goodbye.
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private static async Task SendHalfAsync(string file, HttpContext context)
    {
        var data = await File.ReadAllBytesAsync(file, context.RequestAborted);
        context.Response.ContentLength = data.Length;
        await context.Response.Body.WriteAsync(data.AsMemory(0, data.Length / 2), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);

        // An abort takes back what has not arrived yet.
        await Task.Delay(500, context.RequestAborted);
        context.Abort();
    }

    private static async Task SendPicturesAsync(IReadOnlyList<byte[]> pictures, Func<int, Task> before, HttpContext context)
    {
        context.Response.ContentType = "multipart/x-mixed-replace; boundary=picture";
        try
        {
            for (var i = 0; ; i++)
            {
                await before(i).WaitAsync(context.RequestAborted);
                var picture = pictures[i % pictures.Count];
                await context.Response.WriteAsync($"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {picture.Length}\r\n\r\n", context.RequestAborted);
                await context.Response.Body.WriteAsync(picture, context.RequestAborted);
                await context.Response.WriteAsync("\r\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(100, context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // Who watched has left.
        }
    }
}
