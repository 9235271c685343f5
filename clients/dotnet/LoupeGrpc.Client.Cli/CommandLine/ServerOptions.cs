using System.CommandLine;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that say where the server is; every command has them.</summary>
internal sealed class ServerOptions
{
    private readonly Option<string> _server;
    private readonly Option<double> _connectTimeout = new("--connect-timeout")
    {
        Description = "Seconds to keep trying while the server cannot be reached, 0 to 3600.",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 5,
    };

    public ServerOptions(CliHost host)
    {
        _server = new Option<string>("--server")
        {
            Description = "Address of the server. The environment variable LOUPE_SERVER changes the default.",
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

    public void AddTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_connectTimeout);
    }

    /// <exception cref="CliException">The address is none.</exception>
    public (Uri Server, TimeSpan ConnectTimeout) Read(ParseResult result)
    {
        var server = result.GetRequiredValue(_server);
        return Uri.TryCreate(server, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? (address, TimeSpan.FromSeconds(result.GetValue(_connectTimeout)))
            : throw CliException.Usage($"the server's address is '{server}': it must be http://HOST:PORT or https://HOST:PORT (--server or LOUPE_SERVER)");
    }
}
