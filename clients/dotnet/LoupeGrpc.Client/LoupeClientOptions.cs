using System.Net.Security;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Client;

/// <summary>How a <see cref="LoupeClient"/> reaches its server. Immutable.</summary>
public sealed record LoupeClientOptions
{
    private const string UnixScheme = "unix";

    /// <summary>Where `loupe-grpc-server` listens unless told otherwise: `http://127.0.0.1:5005`.</summary>
    public static Uri DefaultAddress { get; } = new("http://127.0.0.1:5005");

    /// <summary>
    /// `http://` (HTTP/2 without TLS) or `https://`, host and port; or `unix:/PATH`, a socket on this machine. Default <see cref="DefaultAddress"/>.
    /// </summary>
    public Uri Address { get; init; } = DefaultAddress;

    /// <summary>Sent with every call as `authorization: Bearer …`: a key of the server's, or a token. Null: nothing is sent. It is never shown.</summary>
    public string? Key { get; init; }

    /// <summary>Sent with every call beside what the library sends. Names are ASCII in lower case, values printable ASCII. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Whom to believe about the server's certificate, instead of those whom the system trusts. Null: those.</summary>
    public X509Certificate2Collection? CertificateAuthority { get; init; }

    /// <summary>Shown to a server that asks for one, with its private key and those between it and its root. Null: none.</summary>
    public SslStreamCertificateContext? ClientCertificate { get; init; }

    /// <summary>Takes any certificate of the server: who is in between can read and change everything. Default: false.</summary>
    public bool AllowUntrustedCertificate { get; init; }

    /// <summary>
    /// How long connecting and opening a session are tried again, with growing pauses, while the server cannot be reached.
    /// 0 tries once. Default 10 s.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a call outside sessions is tried again after UNAVAILABLE. 0 to 10. Default 3.</summary>
    public int UnaryRetries { get; init; } = 3;

    /// <summary>HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost. Default 20 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Largest response accepted, bytes: bounds masks. 65,536 or more. Default 16 MiB.</summary>
    public int MaxResponseBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The program and version that the server logs. At most 128 characters. Default: the entry assembly's.</summary>
    public string ClientName { get; init; } = DefaultClientName();

    /// <summary>
    /// Where the library writes what callers are not told otherwise: connections that break and are there again, attempts that are made again, and what gRPC itself has to say. Keys and what headers
    /// hold are not in it. Null: nowhere.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Clock of the pauses between attempts. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The address as messages show it: without a path, and without credentials.</summary>
    internal string ShownAddress => SocketPath is { } path ? $"{UnixScheme}:{path}" : $"{Address.Scheme}://{Address.Authority}";

    /// <summary>Null: it is an address on a network.</summary>
    internal string? SocketPath => Address.IsAbsoluteUri && Address.Scheme == UnixScheme ? Uri.UnescapeDataString(Address.AbsolutePath) : null;

    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    internal void Validate()
    {
        if (!Address.IsAbsoluteUri || (Address.Scheme != Uri.UriSchemeHttp && Address.Scheme != Uri.UriSchemeHttps && SocketPath is not ['/', _, ..]))
        {
            throw new ArgumentException($"Address is {Address}: it must be http://HOST:PORT, https://HOST:PORT or unix:/PATH.");
        }

        if (Key is not null && (Key.Length == 0 || !Key.All(static letter => letter is > ' ' and <= '~')))
        {
            throw new ArgumentException("Key must be printable ASCII without spaces.");
        }

        foreach (var (name, value) in Headers)
        {
            if (HeaderProblem(name, value) is { } problem)
            {
                throw new ArgumentException($"Headers: {problem}.");
            }
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(ConnectTimeout, TimeSpan.Zero, nameof(ConnectTimeout));
        ArgumentOutOfRangeException.ThrowIfNegative(UnaryRetries, nameof(UnaryRetries));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(UnaryRetries, 10, nameof(UnaryRetries));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(KeepAlive, TimeSpan.Zero, nameof(KeepAlive));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxResponseBytes, 65_536, nameof(MaxResponseBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ClientName.Length, 128, nameof(ClientName));
    }

    /// <returns>What is wrong with a header; null: nothing.</returns>
    internal static string? HeaderProblem(string name, string value) =>
        name.Length == 0 || !name.All(static letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '_' or '.')
            ? $"'{name}' is not a name of lower-case letters, digits and - _ ."
            : name.StartsWith("grpc-", StringComparison.Ordinal) || name.EndsWith("-bin", StringComparison.Ordinal)
                ? $"'{name}' is a name of gRPC's own"
                : !value.All(static letter => letter is >= ' ' and <= '~')
                    ? $"the value of '{name}' is not printable ASCII"
                    : null;

    /// <summary>For <see cref="ToString"/>: what is secret is left out.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("Address = ").Append(ShownAddress).Append(", ClientName = ").Append(ClientName);
        return true;
    }

    private static string DefaultClientName()
    {
        var name = Assembly.GetEntryAssembly()?.GetName();
        return name is null ? "" : $"{name.Name}/{name.Version?.ToString(3)}";
    }
}
