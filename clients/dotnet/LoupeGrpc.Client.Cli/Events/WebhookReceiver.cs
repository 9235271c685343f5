using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>
/// Posts events as CloudEvents in structured mode, with the headers of Standard Webhooks: `webhook-id`, the same in every repetition, `webhook-timestamp`, and with a
/// secret `webhook-signature`.
/// </summary>
internal sealed class WebhookReceiver : IEventReceiver
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly EventAddress.Web _address;
    private readonly HttpClient _http;
    private readonly byte[]? _secret;
    private readonly TimeProvider _time;

    /// <param name="address">Where to.</param>
    /// <param name="secret">What signatures are made with; null: there are none.</param>
    /// <param name="authority">Whom to believe instead of those whom the system trusts; null: those.</param>
    /// <param name="time">Of timestamps.</param>
    public WebhookReceiver(EventAddress.Web address, byte[]? secret, X509Certificate2Collection? authority, TimeProvider time)
    {
        (_address, _secret, _time) = (address, secret, time);
        var handler = new SocketsHttpHandler
        {
            // What is signed for one receiver is not another's.
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = ConnectTimeout,
            // Names may come to mean other machines while a camera runs for months.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (authority is not null)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authority);
        }

        _http = new HttpClient(handler) { Timeout = Timeout };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("loupe-grpc-client", typeof(WebhookReceiver).Assembly.GetName().Version!.ToString(3)));
        if (address.Credentials is { } own)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{own.UserName}:{own.Password}")));
        }
    }

    public bool IsBroken => false;

    public Action? Broken { get; set; }

    public Task<Delivery> ConnectAsync(CancellationToken cancellationToken) => Task.FromResult(Delivery.Delivered);

    public async Task<Delivery> SendAsync(string id, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _address.Url) { Content = new ReadOnlyMemoryContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents+json", "utf-8");
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp);
        if (_secret is not null)
        {
            byte[] signed = [.. Encoding.ASCII.GetBytes($"{id}.{timestamp}."), .. json.Span];
            request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(_secret, signed))}");
        }

        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return Judge(response);
        }
        catch (HttpRequestException error)
        {
            return Delivery.Later(Reason(error));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Delivery.Later(string.Create(CultureInfo.InvariantCulture, $"it did not answer within {Timeout.TotalSeconds:0} s"));
        }
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private Delivery Judge(HttpResponseMessage response)
    {
        var code = (int)response.StatusCode;
        var reason = string.Create(CultureInfo.InvariantCulture, $"it answers {code} {response.ReasonPhrase}").TrimEnd();
        return code switch
        {
            >= 200 and < 300 => Delivery.Delivered,
            >= 300 and < 400 => new Delivery(DeliveryKind.SenderRefused, $"{reason}, and redirects are not followed"),
            400 or 413 or 415 or 422 => new Delivery(DeliveryKind.EventRefused, reason),
            // 404: as proxies answer while what is behind them starts.
            404 or 408 or 409 or 421 or 423 or 425 or 429 or >= 500 => new Delivery(DeliveryKind.Later, reason) { Pause = PauseOf(response) },
            _ => new Delivery(DeliveryKind.SenderRefused, reason),
        };
    }

    private TimeSpan? PauseOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow(),
        _ => null,
    };

    private static string Reason(HttpRequestException error) => error switch
    {
        { InnerException: AuthenticationException inner } => $"its certificate is not believed: {inner.Message.TrimEnd('.')}",
        { HttpRequestError: HttpRequestError.SecureConnectionError } => "it does not speak TLS",
        { InnerException: SocketException inner } => NetworkReason.Of(inner),
        { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse } => "it hung up, or does not speak HTTP",
        { InnerException.InnerException: SocketException inner } => NetworkReason.Of(inner),
        _ => $"it cannot be reached: {error.GetBaseException().Message.TrimEnd('.')}",
    };
}
