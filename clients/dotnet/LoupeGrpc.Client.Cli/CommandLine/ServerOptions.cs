using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that say where the server is, whom to believe about it, and who we are; every command has them.</summary>
internal sealed class ServerOptions
{
    private const string UnixPrefix = "unix:";

    private readonly CliHost _host;
    private readonly Option<string> _server;
    private readonly Option<double> _connectTimeout = new("--connect-timeout")
    {
        Description = "Seconds to keep trying while the server cannot be reached, 0 to 3600.",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 5,
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = "What the server knows us by: a key of `loupe-grpc-server key add`, or a token. With @ the file that holds it, which others do not see as they see a command line. The environment variable LOUPE_KEY changes the default.",
        HelpName = "KEY|@FILE",
    };

    private readonly Option<string?> _authority = new("--ca")
    {
        Description = "Whom to believe about the certificate of an https:// server, instead of those whom the system trusts (PEM).",
        HelpName = "FILE",
    };

    private readonly Option<string?> _certificate = new("--cert")
    {
        Description = "Our own certificate, for servers that want one, and those between it and its root (PEM).",
        HelpName = "FILE",
    };

    private readonly Option<string?> _certificateKey = new("--key-file")
    {
        Description = "Its private key (PEM). [default: in the file of --cert]",
        HelpName = "FILE",
    };

    private readonly Option<bool> _insecure = new("--insecure")
    {
        Description = "Take any certificate of the server: who is in between can read and change everything.",
    };

    private readonly Option<string[]> _headers = new("--header")
    {
        Description = "A header to send with every call, for proxies. May be repeated.",
        HelpName = "NAME=VALUE",
    };

    public ServerOptions(CliHost host)
    {
        _host = host;
        _server = new Option<string>("--server")
        {
            Description = "Address of the server: http://HOST:PORT, https://HOST:PORT or unix:/PATH. The environment variable LOUPE_SERVER changes the default.",
            HelpName = "URL",
            DefaultValueFactory = _ => string.IsNullOrWhiteSpace(host.ServerFromEnvironment)
                ? LoupeClientOptions.DefaultAddress.GetLeftPart(UriPartial.Authority)
                : host.ServerFromEnvironment,
        };
        _connectTimeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0 and <= 3600))
            {
                result.AddError("--connect-timeout must be 0 to 3600 seconds.");
            }
        });
    }

    /// <summary>What --ca names; null: nothing.</summary>
    public static string? AuthorityFile(ParseResult result) => result.GetResult("--ca") is OptionResult { Tokens: [{ Value: var file }] } ? file : null;

    /// <summary>Whether --server stands on the command line.</summary>
    public static bool IsNamed(SymbolResult result) => result.GetResult("--server") is OptionResult { Implicit: false };

    /// <summary>An address for people: without a path and without credentials.</summary>
    public static string Show(Uri address) =>
        // UriPartial.Authority would have the credentials too.
        address.Scheme == "unix" ? UnixPrefix + Uri.UnescapeDataString(address.AbsolutePath) : $"{address.Scheme}://{address.Authority}";

    /// <summary>One value of an option of any command for a record that others read: without keys, what headers hold, and credentials.</summary>
    public static string WithoutSecrets(string name, string value) => name switch
    {
        "--key" or "--events" or "--events-secret" => "(not shown)",
        "--header" => $"{value.Split('=')[0]}=(not shown)",
        "--server" => Uri.TryCreate(value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" or "unix" ? Show(address) : "",
        _ => value,
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_connectTimeout);
        command.Options.Add(_key);
        command.Options.Add(_authority);
        command.Options.Add(_certificate);
        command.Options.Add(_certificateKey);
        command.Options.Add(_insecure);
        command.Options.Add(_headers);
    }

    /// <summary>Says on standard error what is dangerous in them.</summary>
    /// <exception cref="CliException">One of them makes no sense, or a file cannot be read.</exception>
    public LoupeClientOptions Read(ParseResult result)
    {
        var options = new LoupeClientOptions
        {
            Address = ReadAddress(result.GetRequiredValue(_server)),
            ConnectTimeout = TimeSpan.FromSeconds(result.GetValue(_connectTimeout)),
            Key = ReadKey(result.GetValue(_key) ?? (string.IsNullOrEmpty(_host.KeyFromEnvironment) ? null : _host.KeyFromEnvironment)),
            Headers = ReadHeaders(result.GetValue(_headers) ?? []),
            CertificateAuthority = result.GetValue(_authority) is { } authority ? ReadAuthority("--ca", authority) : null,
            ClientCertificate = ReadCertificate(result.GetValue(_certificate), result.GetValue(_certificateKey)),
            AllowUntrustedCertificate = result.GetValue(_insecure),
        };
        if (options.Key is not null && options.Headers.ContainsKey("authorization"))
        {
            throw CliException.Usage("--header authorization=… and a key (--key or LOUPE_KEY) say the same thing twice: give one of them");
        }

        try
        {
            // It knows best what a header may be.
            new LoupeClient(options).Dispose();
        }
        catch (ArgumentException error)
        {
            throw CliException.Usage(error.Message.TrimEnd('.'));
        }

        if (options.AllowUntrustedCertificate && options.Address.Scheme == Uri.UriSchemeHttps)
        {
            Warn($"--insecure: the certificate of {Show(options.Address)} is not checked; who is in between can read and change everything");
        }

        if (options.Key is not null && options.Address.Scheme == Uri.UriSchemeHttp && !IsThisMachine(options.Address))
        {
            Warn($"the key goes to {Show(options.Address)} in the clear: use https://");
        }

        if (options.Address.Scheme != Uri.UriSchemeHttps
            && new Option[] { _authority, _certificate, _certificateKey, _insecure }.Where(option => result.GetResult(option) is { Implicit: false }).ToList() is { Count: > 0 } unused)
        {
            Warn($"{string.Join(", ", unused.Select(static option => option.Name))}: not used, {Show(options.Address)} does not speak TLS (https://)");
        }

        return options;
    }

    private static Uri ReadAddress(string server)
    {
        if (server.StartsWith(UnixPrefix, StringComparison.OrdinalIgnoreCase) && server[UnixPrefix.Length..] is ['/', _, ..] path)
        {
            return new Uri(UnixPrefix + string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
        }

        return Uri.TryCreate(server, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw CliException.Usage($"the server's address is '{server}': it must be http://HOST:PORT, https://HOST:PORT or unix:/PATH (--server or LOUPE_SERVER)");
    }

    private static string? ReadKey(string? key)
    {
        if (key is "@")
        {
            throw CliException.Usage("--key @ names no file: it must be @FILE (--key or LOUPE_KEY)");
        }

        if (key is ['@', .. var file])
        {
            key = ReadFile("--key", file, shown: key).Trim();
        }

        // It is not repeated: it may be half of a real one.
        return key is null || (key.Length > 0 && key.All(static letter => letter is > ' ' and <= '~'))
            ? key
            : throw CliException.Usage("the key is empty, or has letters that no key has (--key or LOUPE_KEY)");
    }

    private static Dictionary<string, string> ReadHeaders(string[] texts)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = at > 0 ? (text[..at].ToLowerInvariant(), text[(at + 1)..]) : throw CliException.Usage($"--header is '{text}': it must be NAME=VALUE");
            if (!headers.TryAdd(name, value))
            {
                throw CliException.Usage($"--header {name} is given twice");
            }
        }

        return headers;
    }

    private static SslStreamCertificateContext? ReadCertificate(string? file, string? keyFile)
    {
        if (file is null)
        {
            return keyFile is null ? null : throw CliException.Usage("--key-file is the key of a certificate: give that with --cert");
        }

        return ReadPem("--cert", file, pem =>
        {
            var key = keyFile is null ? pem : ReadFile("--key-file", keyFile);
            if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            {
                throw CliException.Usage(keyFile is null ? $"--cert {file} holds no private key: give its file with --key-file" : $"--key-file {keyFile} holds no private key in PEM");
            }

            // In PKCS #8, or in OpenSSL's old form.
            if (key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal) || key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            {
                throw CliException.Usage($"the private key in {keyFile ?? file} is encrypted: decrypt it first (openssl pkey)");
            }

            // By itself, so that it is known which of both is wrong.
            X509Certificate2.CreateFromPem(pem).Dispose();
            X509Certificate2 own;
            try
            {
                own = X509Certificate2.CreateFromPem(pem, key);
            }
            catch (Exception error) when (error is CryptographicException or ArgumentException)
            {
                var holder = keyFile is null ? $"the private key in --cert {file}" : $"--key-file {keyFile}";
                throw CliException.Usage($"{holder} cannot be used: it is damaged, or not the key of the certificate in {file}");
            }

            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(pem);
            return SslStreamCertificateContext.Create(own, chain, offline: true);
        });
    }

    /// <summary>Certificates to believe instead of those of the system.</summary>
    /// <param name="option">What named the file.</param>
    /// <param name="file">In PEM.</param>
    /// <exception cref="CliException">It cannot be read, or holds none.</exception>
    public static X509Certificate2Collection ReadAuthority(string option, string file) => ReadPem(option, file, ReadAuthority);

    private static X509Certificate2Collection ReadAuthority(string pem)
    {
        var authority = new X509Certificate2Collection();
        authority.ImportFromPem(pem);
        return authority.Count > 0 ? authority : throw new CryptographicException("it holds no certificate in PEM");
    }

    private static T ReadPem<T>(string option, string file, Func<string, T> read)
    {
        var pem = ReadFile(option, file);
        try
        {
            return read(pem);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw CliException.Usage($"{option} {file} cannot be used: {error.Message.Split('\n')[0].TrimEnd('\r', '.')}");
        }
    }

    /// <param name="option">What named the file.</param>
    /// <param name="file">Its name.</param>
    /// <param name="shown">As it was given; null: the same.</param>
    /// <exception cref="CliException">It cannot be read.</exception>
    public static string ReadFile(string option, string file, string? shown = null)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CliException.Usage($"{option} {shown ?? file} cannot be read: {error.Message.TrimEnd('.')}");
        }
    }

    private static bool IsThisMachine(Uri address) => address.IsLoopback || (IPAddress.TryParse(address.DnsSafeHost, out var ip) && IPAddress.IsLoopback(ip));

    private void Warn(string text) => _host.Error.WriteLine(Printable.Text($"warning: {text}"));
}
