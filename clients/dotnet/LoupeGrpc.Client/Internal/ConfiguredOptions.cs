using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;

namespace LoupeGrpc.Client.Internal;

/// <summary>Reads <see cref="LoupeClientOptions"/> from a configuration, without reflection, and says all that is wrong there at once.</summary>
internal sealed class ConfiguredOptions
{
    private const string KeyFile = "KeyFile";
    private const string ClientCertificateKey = "ClientCertificateKey";
    private const string Duration = "a duration: hh:mm:ss";
    private const string Number = "a whole number";

    private static readonly string[] Names =
    [
        nameof(LoupeClientOptions.Address), nameof(LoupeClientOptions.Key), KeyFile, nameof(LoupeClientOptions.Headers), nameof(LoupeClientOptions.CertificateAuthority),
        nameof(LoupeClientOptions.ClientCertificate), ClientCertificateKey, nameof(LoupeClientOptions.AllowUntrustedCertificate), nameof(LoupeClientOptions.ConnectTimeout),
        nameof(LoupeClientOptions.UnaryRetries), nameof(LoupeClientOptions.KeepAlive), nameof(LoupeClientOptions.MaxResponseBytes), nameof(LoupeClientOptions.ClientName),
    ];

    private readonly IConfigurationSection _section;
    private readonly List<string> _problems = [];
    private LoupeClientOptions _options;

    private ConfiguredOptions(IConfigurationSection section, LoupeClientOptions options) => (_section, _options) = (section, options);

    /// <param name="section">With nothing in it but options.</param>
    /// <param name="defaults">Of what is not there.</param>
    /// <exception cref="ArgumentException">What is wrong in it, a line each. Ranges are looked at by who takes the options.</exception>
    public static LoupeClientOptions Read(IConfigurationSection section, LoupeClientOptions defaults)
    {
        var reading = new ConfiguredOptions(section, defaults);
        foreach (var setting in section.GetChildren())
        {
            reading.Read(setting);
        }

        reading.ReadCertificate();
        if (section[nameof(LoupeClientOptions.Key)] is not null && section[KeyFile] is not null)
        {
            reading._problems.Add($"{section.Path}:{nameof(LoupeClientOptions.Key)} and {section.Path}:{KeyFile} say the same thing: give one of them.");
        }

        return reading._problems.Count == 0 ? reading._options : throw new ArgumentException(string.Join(Environment.NewLine, reading._problems));
    }

    private void Read(IConfigurationSection setting)
    {
        // Names of a configuration have no case.
        switch (Names.FirstOrDefault(name => name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)))
        {
            case nameof(LoupeClientOptions.Address):
                Take(setting, "an address: http://HOST:PORT, https://HOST:PORT or unix:/PATH", static text => Uri.TryCreate(text, UriKind.Absolute, out var address) ? options => options with { Address = address } : null);
                break;
            case nameof(LoupeClientOptions.Key):
                _options = _options with { Key = setting.Value };
                break;
            case KeyFile:
                TakeFile(setting, text => _options with { Key = text.Trim() });
                break;
            case nameof(LoupeClientOptions.Headers):
                _options = _options with { Headers = setting.GetChildren().ToDictionary(static header => header.Key.ToLowerInvariant(), static header => header.Value ?? "") };
                break;
            case nameof(LoupeClientOptions.CertificateAuthority):
                TakeFile(setting, pem => _options with { CertificateAuthority = Certificates(pem) });
                break;
            case nameof(LoupeClientOptions.ClientCertificate) or ClientCertificateKey:
                // Both at once, below.
                break;
            case nameof(LoupeClientOptions.AllowUntrustedCertificate):
                Take(setting, "true or false", static text => bool.TryParse(text, out var value) ? options => options with { AllowUntrustedCertificate = value } : null);
                break;
            case nameof(LoupeClientOptions.ConnectTimeout):
                Take(setting, Duration, static text => IsDuration(text, out var value) ? options => options with { ConnectTimeout = value } : null);
                break;
            case nameof(LoupeClientOptions.UnaryRetries):
                Take(setting, Number, static text => IsNumber(text, out var value) ? options => options with { UnaryRetries = value } : null);
                break;
            case nameof(LoupeClientOptions.KeepAlive):
                Take(setting, Duration, static text => IsDuration(text, out var value) ? options => options with { KeepAlive = value } : null);
                break;
            case nameof(LoupeClientOptions.MaxResponseBytes):
                Take(setting, Number, static text => IsNumber(text, out var value) ? options => options with { MaxResponseBytes = value } : null);
                break;
            case nameof(LoupeClientOptions.ClientName):
                _options = _options with { ClientName = setting.Value ?? "" };
                break;
            default:
                _problems.Add($"{setting.Path} is no setting of a client: those are {string.Join(", ", Names)}.");
                break;
        }
    }

    private void ReadCertificate()
    {
        var (certificate, key) = (_section.GetSection(nameof(LoupeClientOptions.ClientCertificate)), _section.GetSection(ClientCertificateKey));
        if (certificate.Value is null)
        {
            if (key.Value is not null)
            {
                _problems.Add($"{key.Path} is the key of a certificate: give that with {certificate.Path}.");
            }

            return;
        }

        var keyPem = "";
        if (key.Value is null || TakeFile(key, pem => { keyPem = pem; return _options; }))
        {
            TakeFile(certificate, pem => _options with
            {
                ClientCertificate = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(pem, key.Value is null ? pem : keyPem), Certificates(pem), offline: true),
            });
        }
    }

    private static bool IsDuration(string text, out TimeSpan value) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);

    private static bool IsNumber(string text, out int value) => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value);

    private static X509Certificate2Collection Certificates(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates.Count > 0 ? certificates : throw new CryptographicException("it holds no certificate in PEM");
    }

    /// <param name="setting">A value.</param>
    /// <param name="expected">What it must be, for people.</param>
    /// <param name="parse">What it makes of the options; null where it is none.</param>
    private void Take(IConfigurationSection setting, string expected, Func<string, Func<LoupeClientOptions, LoupeClientOptions>?> parse)
    {
        if (parse(setting.Value ?? "") is { } change)
        {
            _options = change(_options);
        }
        else
        {
            _problems.Add($"{setting.Path} is '{setting.Value}': it must be {expected}.");
        }
    }

    /// <returns>Whether the file was read, and was what it should be.</returns>
    private bool TakeFile(IConfigurationSection setting, Func<string, LoupeClientOptions> change)
    {
        try
        {
            _options = change(File.ReadAllText(setting.Value ?? ""));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            _problems.Add($"{setting.Path} is '{setting.Value}', which cannot be used: {error.Message.TrimEnd('.')}.");
            return false;
        }
    }
}
