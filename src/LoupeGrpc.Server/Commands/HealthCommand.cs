using System.CommandLine;
using System.Net.Sockets;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>health</c>: whether a server is ready, for probes in an image that has neither a shell nor curl.</summary>
internal sealed class HealthCommand
{
    private const string ReadyPath = "/healthz/ready";

    /// <summary>Of the answer that is shown: whoever answers need not be a server of ours.</summary>
    private const int MaxShownCharacters = 4096;

    /// <summary>Below what orchestrators give a probe by default, with room for the program's start.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Option<string> _server = new("--server")
    {
        HelpName = "URL",
        Description = "The operations address to ask: http://HOST:PORT, https://HOST:PORT or unix:/PATH. Default: as the settings say (Loupe:Endpoints:Operations).",
    };

    private readonly IReadOnlyList<string> _settings;

    private HealthCommand(IReadOnlyList<string> settings) => _settings = settings;

    /// <param name="settings">From the command line, as configuration takes them.</param>
    public static Command Create(IReadOnlyList<string> settings)
    {
        var health = new HealthCommand(settings);
        var command = new Verb(
            "health",
            "Says whether a server is ready: for probes where there is neither a shell nor curl.",
            """
            Asks the operations address for /healthz/ready, for 5 seconds at most, and prints what it answers. No key is needed. Settings are those of the
            environment and of LOUPE_SETTINGS; a server that was given its address on its command line is named by --server. Over https:// the certificate is not
            checked, as Kubernetes does not check it for a probe: nothing is sent that anybody might not see.
            Exit codes: 0 ready, 1 not ready or not there, 2 wrong usage or settings.

            Example:
              loupe-grpc-server health --server https://127.0.0.1:5006
            """)
        {
            health._server,
        };
        command.SetAction(health.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var error = result.InvocationConfiguration.Error;
        if (await AddressAsync(result.GetValue(_server), error).ConfigureAwait(false) is not { } url)
        {
            return ExitCode.Usage;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new HttpClient(Handler(url)) { MaxResponseContentBufferSize = 1 << 20 };
            using var response = await client.GetAsync(Request(url), patience.Token).ConfigureAwait(false);
            var text = (await response.Content.ReadAsStringAsync(patience.Token).ConfigureAwait(false)).Trim();
            text = text.Length > MaxShownCharacters ? text[..MaxShownCharacters] : text;
            if (response.IsSuccessStatusCode)
            {
                await result.InvocationConfiguration.Output.WriteLineAsync(text).ConfigureAwait(false);
                return ExitCode.Success;
            }

            await error.WriteLineAsync($"error: {url} is not ready, it answers {(int)response.StatusCode}{(text.Length > 0 ? $": {text}" : string.Empty)}").ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            await error.WriteLineAsync($"error: {url} does not answer: {exception.GetBaseException().Message}").ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync($"error: {url} {(cancellationToken.IsCancellationRequested ? "was not waited for" : $"did not answer within {Patience.TotalSeconds:F0} s")}").ConfigureAwait(false);
        }

        return ExitCode.Failure;
    }

    /// <returns>Null where it cannot be told, and why has been said.</returns>
    private async Task<ListenUrl?> AddressAsync(string? server, TextWriter error)
    {
        string problem;
        if (server is null)
        {
            var (loaded, errors) = LoadedSettings.Read(_settings, Environment.GetEnvironmentVariables());
            foreach (var line in errors)
            {
                await error.WriteLineAsync($"error: {line}").ConfigureAwait(false);
            }

            if (errors.Count > 0)
            {
                return null;
            }

            var operations = loaded.Options.Endpoints.Operations;
            if (operations is { Port: > 0 } or { SocketPath: not null })
            {
                return operations;
            }

            problem = "Loupe:Endpoints:Operations has the server pick a port: say with --server which one it took, as its ready line shows";
        }
        else if (!ListenUrl.TryParse(server, out var given, out var reason))
        {
            problem = $"--server {server}: {reason}";
        }
        else if (given is { Port: > 0 } or { SocketPath: not null })
        {
            return given;
        }
        else
        {
            problem = $"--server {server}: nobody listens on port 0";
        }

        await error.WriteLineAsync($"error: {problem}").ConfigureAwait(false);
        return null;
    }

    /// <summary>Over a socket the name of the host is never looked at.</summary>
    private static Uri Request(ListenUrl url) => new(url.SocketPath is null ? url.ClientAddress(url.Port) : new Uri("http://localhost"), ReadyPath);

    /// <summary>Straight to the server: a proxy of the environment is for others.</summary>
    private static SocketsHttpHandler Handler(ListenUrl url)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
#pragma warning disable CA5359 // As the help says: nothing is sent that could be read, and what is answered is one word.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        if (url.SocketPath is { } path)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        return handler;
    }
}
