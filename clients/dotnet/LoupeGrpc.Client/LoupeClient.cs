using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.Client;

/// <summary>
/// The connection to one LoupeGrpc server. Thread-safe; meant to live as long as the program and to be shared.
/// Disposing it breaks the sessions that are still open.
/// </summary>
public sealed class LoupeClient : IDisposable
{
    /// <summary>For a connection, with its TLS handshake.</summary>
    internal static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A socket on this machine has none.</summary>
    private static readonly Uri AnyHost = new("http://localhost");

    private readonly LoupeClientOptions _options;
    private readonly GrpcChannel _channel;
    private readonly ForgeryAnalysisService.ForgeryAnalysisServiceClient _service;
    private readonly Retries _retries;
    private readonly ILogger _logger;

    /// <summary>Connects with the first call.</summary>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    public LoupeClient(LoupeClientOptions? options = null)
    {
        _options = options ?? new LoupeClientOptions();
        _options.Validate();
        _logger = (_options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<LoupeClient>();
        if (_options.AllowUntrustedCertificate && _options.Address.Scheme == Uri.UriSchemeHttps)
        {
            ClientLog.TakesAnyCertificate(_logger, _options.ShownAddress);
        }

        var trust = new ServerTrust(_options);
        _channel = GrpcChannel.ForAddress(_options.SocketPath is null ? _options.Address : AnyHost, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = trust.ToSslOptions(),
                ConnectCallback = _options.SocketPath is { } path ? (_, token) => ConnectAsync(path, token) : null,
                ConnectTimeout = HandshakeTimeout,
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = _options.KeepAlive,
                KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                // A proxy from the environment cannot carry HTTP/2 without TLS.
                UseProxy = _options.Address.Scheme == Uri.UriSchemeHttps,
            },
            DisposeHttpClient = true,
            LoggerFactory = _options.LoggerFactory,
            MaxReceiveMessageSize = _options.MaxResponseBytes,
            ThrowOperationCanceledOnCancellation = true,
        });
        _service = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(_channel.Intercept(AddHeaders));
        _retries = new Retries(_options, new ConnectionDiagnosis(_options, trust), _logger);
    }

    /// <summary>Where the server is.</summary>
    public Uri Address => _options.Address;

    /// <summary>A client whose server has answered; waits for it up to <see cref="LoupeClientOptions.ConnectTimeout"/>.</summary>
    /// <exception cref="LoupeUnavailableException">It did not answer.</exception>
    /// <exception cref="LoupeRefusedException">It does not let us in.</exception>
    public static async Task<LoupeClient> ConnectAsync(LoupeClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        var client = new LoupeClient(options);
        try
        {
            await client._retries.ConnectAsync(client.AskServerInfoAsync, cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>What is served, by what, and within which limits.</summary>
    /// <exception cref="LoupeUnavailableException">There is no server.</exception>
    /// <exception cref="LoupeRefusedException">It does not let us in.</exception>
    public Task<GetServerInfoResponse> GetServerInfoAsync(CancellationToken cancellationToken = default) =>
        _retries.CallAsync(AskServerInfoAsync, cancellationToken);

    /// <summary>Analyses one picture outside any session.</summary>
    /// <param name="frame">A <see cref="RawFrame"/> must say its format. Number, capture time and deadline are not used.</param>
    /// <param name="thresholds">Default: the server's.</param>
    /// <param name="mask">Default: RLE when the verdict is not authentic.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="LoupeRequestException">The server cannot analyse the picture; the code says why.</exception>
    /// <exception cref="LoupeUnavailableException">There is no server.</exception>
    /// <exception cref="LoupeRefusedException">It does not let us in.</exception>
    public Task<AnalyzeImageResponse> AnalyzeImageAsync(
        LoupeFrame frame,
        Thresholds? thresholds = null,
        MaskSettings? mask = null,
        CancellationToken cancellationToken = default) =>
        AnalyzeImageAsync(frame, new LoupeImageOptions { Thresholds = thresholds, Mask = mask }, cancellationToken);

    /// <summary>Analyses one picture outside any session.</summary>
    /// <param name="frame">A <see cref="RawFrame"/> must say its format. Number, capture time and deadline are not used.</param>
    /// <param name="options">What is wanted of it, and of which model.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="LoupeRequestException">The server cannot analyse the picture, or has no such model; code and message say why.</exception>
    /// <exception cref="LoupeUnavailableException">There is no server.</exception>
    /// <exception cref="LoupeRefusedException">It does not let us in.</exception>
    public Task<AnalyzeImageResponse> AnalyzeImageAsync(LoupeFrame frame, LoupeImageOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(options);
        var message = frame.ToMessage(frame.Data);
        var request = new AnalyzeImageRequest { Thresholds = options.Thresholds, Mask = options.Mask, Tiles = options.Tiles, Explain = options.Explain, Receipt = options.Receipt, Model = options.Model };
        if (message.ImageCase == Frame.ImageOneofCase.Raw)
        {
            request.Raw = message.Raw;
        }
        else
        {
            request.Encoded = message.Encoded;
        }

        return _retries.CallAsync(token => _service.AnalyzeImageAsync(request, cancellationToken: token).ResponseAsync, cancellationToken);
    }

    /// <summary>Opens a session; tried again up to <see cref="LoupeClientOptions.ConnectTimeout"/> while the server cannot be reached.</summary>
    /// <param name="options">Default: every frame answered, in order.</param>
    /// <param name="cancellationToken">Gives up opening; it does not end a session that was opened.</param>
    /// <exception cref="LoupeRequestException">The server refused the session; the code says why.</exception>
    /// <exception cref="LoupeUnavailableException">There is no server.</exception>
    /// <exception cref="LoupeRefusedException">It does not let us in.</exception>
    public Task<LoupeSession> OpenSessionAsync(LoupeSessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LoupeSessionOptions();
        var open = options.ToMessage(_options);
        var headers = new Metadata();
        if (options.Name.Length > 0)
        {
            // Header values are ASCII; balancers only hash them.
            headers.Add("loupe-session", Uri.EscapeDataString(options.Name));
        }

        return LoupeSession.OpenAsync(new SessionConnector(_service, open, headers, _options.ShownAddress, _retries, _options.TimeProvider, _logger), options, cancellationToken);
    }

    /// <summary>
    /// Analyses frames in a session of their own: sends as many as the server lets it while outcomes are read, completes the session
    /// after the last frame.
    /// </summary>
    /// <param name="frames">Enumerated once, beside the results, on other threads.</param>
    /// <param name="options">Default: every frame answered, in order.</param>
    /// <param name="cancellationToken">Ends the session at once.</param>
    /// <exception cref="LoupeConnectionLostException">The session broke; thrown after the outcomes of all frames that were taken from <paramref name="frames"/>.</exception>
    public async IAsyncEnumerable<LoupeOutcome> AnalyzeAsync(
        IAsyncEnumerable<LoupeFrame> frames,
        LoupeSessionOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frames);
        var session = await OpenSessionAsync(options, cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = SendAllAsync(session, frames, stop.Token);
        try
        {
            await foreach (var outcome in session.Results(cancellationToken).ConfigureAwait(false))
            {
                yield return outcome;
            }

            // A source that waits for its next frame would never see that the session broke.
            if (session.Fault is { } fault)
            {
                throw fault;
            }

            await sending.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            // Before waiting for the sender: only this stops a transfer that has begun.
            await session.DisposeAsync().ConfigureAwait(false);
            await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private static async Task SendAllAsync(LoupeSession session, IAsyncEnumerable<LoupeFrame> frames, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await foreach (var frame in frames.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await session.SendAsync(frame, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            // Also after a failing source: the frames already sent have outcomes to come.
            await session.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A copy with those of the client: what a session sends is sent again, with each of its connections.</summary>
    private Metadata AddHeaders(Metadata call)
    {
        var headers = new Metadata();
        foreach (var header in call)
        {
            headers.Add(header);
        }

        if (_options.Key is not null)
        {
            headers.Add("authorization", $"Bearer {_options.Key}");
        }

        foreach (var (name, value) in _options.Headers)
        {
            headers.Add(name, value);
        }

        return headers;
    }

    private static async ValueTask<Stream> ConnectAsync(string socketPath, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Task<GetServerInfoResponse> AskServerInfoAsync(CancellationToken cancellationToken) =>
        _service.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: cancellationToken).ResponseAsync;
}
