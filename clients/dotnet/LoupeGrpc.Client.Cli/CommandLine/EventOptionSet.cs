using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that say who is told what is found, as the parser knows them.</summary>
internal sealed class EventOptionSet
{
    /// <summary>What events of `analyze` are said to come from.</summary>
    public const string Pictures = "analyze";

    private const int MaxSize = 4096;

    private readonly Option<string?> _events = new("--events")
    {
        Description = "Tell a webhook or an MQTT broker what is found: webhook:https://HOST/PATH, mqtt://USER:PASSWORD@HOST:PORT/TOPIC (mqtts:// with TLS). "
            + "With @ the file that holds the address, which others do not see as they see a command line.",
        HelpName = "URL|@FILE",
    };

    private readonly Option<string> _of = new Option<string>("--events-of")
    {
        Description = "What is told: findings, that is what is found and lost and that the run begins and ends, or results, that is each outcome too.",
        DefaultValueFactory = _ => "findings",
    }.AcceptOnlyFromAmong("findings", "results");

    private readonly Option<string?> _outbox = new("--events-outbox")
    {
        Description = "The file in which events wait for the receiver, of one run at a time. [default: DIR/events/SESSION.outbox]",
        HelpName = "FILE",
    };

    private readonly Option<int> _size = new("--events-outbox-size")
    {
        Description = $"How much may wait in it, 1 to {MaxSize} MiB; beyond that the oldest events are dropped, and the run says so. The file takes at most twice that.",
        HelpName = "MIB",
        DefaultValueFactory = _ => 64,
    };

    private readonly Option<double> _wait = new("--events-wait")
    {
        Description = "How long the end of the run waits for a receiver that is away or slow, 0 to 86400; after Ctrl-C at most 2.",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 10,
    };

    private readonly Option<string?> _secret = new("--events-secret")
    {
        Description = "Sign what a webhook gets with the secret in FILE (webhook-signature of Standard Webhooks, HMAC-SHA256).",
        HelpName = "@FILE",
    };

    private readonly Option<string?> _authority = new("--events-ca")
    {
        Description = "Whom to believe about the receiver's certificate, instead of those whom the system trusts (PEM).",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        Option[] others = [_of, _outbox, _size, _wait, _secret, _authority];
        command.Options.Add(_events);
        foreach (var option in others)
        {
            command.Options.Add(option);
        }

        _size.Validators.Add(static result => result.Require(result.GetValueOrDefault<int>() is >= 1 and <= MaxSize, $"--events-outbox-size must be 1 to {MaxSize} MiB."));
        _wait.Validators.Add(static result => result.Require(result.GetValueOrDefault<double>() is >= 0 and <= 86400, "--events-wait must be 0 to 86400 seconds."));
        _secret.Validators.Add(static result => result.Require(
            result.GetValueOrDefault<string?>() is null or ['@', _, ..], "--events-secret must be @FILE, the name of a file that holds it: a command line is no place for a secret."));
        command.Validators.Add(result =>
        {
            foreach (var option in others.Where(option => result.GetValue(_events) is null && result.GetResult(option) is { Implicit: false }))
            {
                result.AddError($"{option.Name} needs --events.");
            }
        });
    }

    /// <param name="result">The command line.</param>
    /// <param name="session">The session's name, after which the outbox is named.</param>
    /// <param name="folder">Where it lies unless something else is said.</param>
    /// <returns>Null: nobody is told anything.</returns>
    /// <exception cref="CliException">One of the options makes no sense, or a file cannot be read.</exception>
    public EventOptions? Read(ParseResult result, string session, string folder)
    {
        if (result.GetValue(_events) is not { } text)
        {
            return null;
        }

        if (text is ['@', .. var file])
        {
            text = file.Length > 0 ? ServerOptions.ReadFile("--events", file, shown: text).Trim() : throw CliException.Usage("--events @ names no file: it must be @FILE");
        }

        // It is not repeated: it may hold a password.
        if (!EventAddress.TryParse(text, out var address, out var problem))
        {
            throw CliException.Usage($"--events cannot be used: {problem}");
        }

        var secret = result.GetValue(_secret);
        if (secret is not null && address is not EventAddress.Web)
        {
            throw CliException.Usage("--events-secret signs what a webhook gets: MQTT has user and password");
        }

        return new EventOptions
        {
            Address = address,
            OfResults = result.GetRequiredValue(_of) == "results",
            Outbox = result.GetValue(_outbox) ?? Path.Combine(folder, "events", $"{NameOf(session)}.outbox"),
            MaxBytes = (long)result.GetValue(_size) << 20,
            Wait = TimeSpan.FromSeconds(result.GetValue(_wait)),
            Secret = secret is null ? null : ReadSecret(secret),
            Authority = result.GetValue(_authority) is { } authority ? ServerOptions.ReadAuthority("--events-ca", authority) : null,
        };
    }

    /// <summary>A session's name as a file's. Sessions of which only letters differ that no file's name has must not share one.</summary>
    internal static string NameOf(string session)
    {
        const int Longest = 60;
        var name = new string([.. session.Select(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-')]);
        return name == session && name.Length <= Longest && name.Any(char.IsAsciiLetterOrDigit)
            ? name
            : $"{name[^Math.Min(Longest, name.Length)..].Trim('-', '.')}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(session)))[..8]}".TrimStart('-');
    }

    /// <summary>`whsec_` and base64, as Standard Webhooks writes it, or any other text.</summary>
    private static byte[] ReadSecret(string option)
    {
        const string Prefix = "whsec_";
        var text = ServerOptions.ReadFile("--events-secret", option[1..], shown: option).Trim();
        try
        {
            return text.StartsWith(Prefix, StringComparison.Ordinal) ? Convert.FromBase64String(text[Prefix.Length..])
                : text.Length > 0 ? Encoding.UTF8.GetBytes(text)
                : throw CliException.Usage($"--events-secret {option} is empty");
        }
        catch (FormatException)
        {
            throw CliException.Usage($"--events-secret {option}: behind {Prefix} must be base64");
        }
    }
}
