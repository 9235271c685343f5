using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using StackExchange.Redis;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Where Redis is, and as whom to come: <c>redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]</c>, with <c>rediss</c> over TLS.</summary>
internal static class StoreAddress
{
    private const int DefaultPort = 6379;

    /// <summary>Says nothing of what stands there: there may be a password in it.</summary>
    public const string Form = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS";

    /// <param name="options">What the client needs to know.</param>
    public static bool TryRead(string address, [NotNullWhen(true)] out ConfigurationOptions? options)
    {
        options = null;
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("redis" or "rediss") || uri.Host.Length == 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            return false;
        }

        var database = 0;
        var path = uri.AbsolutePath.Trim('/');
        if (path.Length > 0 && !int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out database))
        {
            return false;
        }

        options = new ConfigurationOptions { DefaultDatabase = database, Ssl = uri.Scheme == "rediss", SslHost = uri.Scheme == "rediss" ? uri.IdnHost : null };
        options.EndPoints.Add(uri.IdnHost.Trim('[', ']'), uri.Port > 0 ? uri.Port : DefaultPort);
        // Without a colon what stands there is the password, as redis-cli has it.
        var names = uri.UserInfo.Split(':', 2);
        options.User = names is [{ Length: > 0 } user, _] ? Uri.UnescapeDataString(user) : null;
        options.Password = names[^1].Length > 0 ? Uri.UnescapeDataString(names[^1]) : null;
        return true;
    }
}
