using System.Diagnostics.CodeAnalysis;
using System.Net;
using LoupeGrpc.Client.Cli.Inputs;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Who is told: the URL of `--events`.</summary>
internal abstract record EventAddress
{
    public const string Forms = "webhook:https://HOST/PATH, webhook:http://HOST/PATH, mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC or mqtts://…";

    private EventAddress(string label, NetworkCredential? credentials) => (Label, Credentials) = (label, credentials);

    /// <summary>Without credentials, for people.</summary>
    public string Label { get; }

    /// <summary>User and password; never to be shown. Null: none.</summary>
    public NetworkCredential? Credentials { get; }

    /// <param name="text">As given.</param>
    /// <param name="address">Null where it is none.</param>
    /// <param name="problem">What is wrong with it, without repeating it: it may hold a password.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out EventAddress? address, [NotNullWhen(false)] out string? problem)
    {
        (address, problem) = (null, null);
        const string Webhook = "webhook:";
        var isWebhook = text.StartsWith(Webhook, StringComparison.OrdinalIgnoreCase);
        if (!Uri.TryCreate(isWebhook ? text[Webhook.Length..] : text, UriKind.Absolute, out var url)
            || !(isWebhook ? url.Scheme is "http" or "https" : url.Scheme is "mqtt" or "mqtts")
            || url.Host.Length == 0)
        {
            // The commonest slip.
            problem = !isWebhook && url?.Scheme is "http" or "https" ? $"an address of HTTP begins with {Webhook}" : $"it must be {Forms}";
            return false;
        }

        if (Uri.UnescapeDataString(url.UserInfo).Any(char.IsControl))
        {
            problem = "user and password must not hold control characters";
            return false;
        }

        if (isWebhook)
        {
            address = new Web(url);
            return true;
        }

        var topic = Uri.UnescapeDataString(url.AbsolutePath).Trim('/');
        if (topic.Length == 0 || topic.AsSpan().IndexOfAny("#+\0") >= 0 || topic.Any(char.IsControl) || topic.StartsWith('$'))
        {
            problem = topic.Length == 0 ? "it names no topic: mqtt://HOST/TOPIC" : "its topic must not hold # or +, nor begin with $";
            return false;
        }

        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            problem = "an MQTT address has no ? and no #; in user, password and topic they are %3F and %23";
            return false;
        }

        address = new Mqtt(url, topic);
        return true;
    }

    public sealed override string ToString() => Label;

    private static NetworkCredential? CredentialsOf(Uri url)
    {
        var parts = url.UserInfo.Split(':', 2);
        return url.UserInfo.Length == 0 ? null : new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
    }

    /// <summary>Events are posted.</summary>
    internal sealed record Web : EventAddress
    {
        // Many webhooks have their secret in the path.
        public Web(Uri url)
            : base($"webhook:{url.Scheme}://{url.Authority}{(url.PathAndQuery.Length > 1 ? "/…" : "/")}", CredentialsOf(url)) =>
            Url = new UriBuilder(url) { UserName = "", Password = "", Fragment = "" }.Uri;

        /// <summary>Without user and password.</summary>
        public Uri Url { get; }
    }

    /// <summary>Events are published.</summary>
    internal sealed record Mqtt : EventAddress
    {
        private const int Port = 1883;
        private const int TlsPort = 8883;

        public Mqtt(Uri url, string topic)
            : base(SourceAddress.Redact($"{url.Scheme}://{url.Authority}/{topic}"), CredentialsOf(url))
        {
            IsSecure = url.Scheme == "mqtts";
            Host = url.DnsSafeHost;
            PortNumber = url.Port > 0 ? url.Port : IsSecure ? TlsPort : Port;
            Topic = topic;
        }

        public bool IsSecure { get; }

        public string Host { get; }

        public int PortNumber { get; }

        public string Topic { get; }
    }
}
