using System.Reflection;

namespace LoupeGrpc.Client;

/// <summary>How a <see cref="LoupeClient"/> reaches its server. Immutable.</summary>
public sealed record LoupeClientOptions
{
    /// <summary>Where `loupe-grpc-server` listens unless told otherwise: `http://127.0.0.1:5005`.</summary>
    public static Uri DefaultAddress { get; } = new("http://127.0.0.1:5005");

    /// <summary>`http://` (HTTP/2 without TLS) or `https://`, host and port. Default <see cref="DefaultAddress"/>.</summary>
    public Uri Address { get; init; } = DefaultAddress;

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

    /// <summary>Clock of the pauses between attempts. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The address as messages show it: without a path, and without credentials.</summary>
    internal string ShownAddress => $"{Address.Scheme}://{Address.Authority}";

    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    internal void Validate()
    {
        if (!Address.IsAbsoluteUri || (Address.Scheme != Uri.UriSchemeHttp && Address.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException($"Address is {Address}: it must be http://HOST:PORT or https://HOST:PORT.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(ConnectTimeout, TimeSpan.Zero, nameof(ConnectTimeout));
        ArgumentOutOfRangeException.ThrowIfNegative(UnaryRetries, nameof(UnaryRetries));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(UnaryRetries, 10, nameof(UnaryRetries));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(KeepAlive, TimeSpan.Zero, nameof(KeepAlive));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxResponseBytes, 65_536, nameof(MaxResponseBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ClientName.Length, 128, nameof(ClientName));
    }

    private static string DefaultClientName()
    {
        var name = Assembly.GetEntryAssembly()?.GetName();
        return name is null ? "" : $"{name.Name}/{name.Version?.ToString(3)}";
    }
}
