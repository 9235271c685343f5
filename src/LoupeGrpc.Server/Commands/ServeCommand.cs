using System.Collections;
using System.CommandLine;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using LoupeGrpc.Execution;
using LoupeGrpc.Launch;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>serve</c>: from settings to the ready line, and from a signal to the exit code.</summary>
internal sealed class ServeCommand
{
    public const string Name = "serve";

    private readonly Option<string> _model = new("--model")
    {
        HelpName = "DIR",
        Description = "Model package to serve, as 'convert' writes it. Default: the embedded demonstration model.",
    };

    private readonly Option<string> _listen = new("--listen")
    {
        HelpName = "URL",
        Description = "Where gRPC listens: http://HOST:PORT, https://HOST:PORT or unix:/PATH, HOST an IP address, localhost or * (every interface). "
            + "Port 0 picks a free one, shown in the ready line. Default: http://127.0.0.1:5005.",
    };

    private readonly Option<string> _operations = new("--operations")
    {
        HelpName = "URL",
        Description = "Where probes and metrics are answered, over HTTP/1.1. Default: http://127.0.0.1:5006.",
    };

    private readonly Option<string> _web = new("--web")
    {
        HelpName = "URL",
        Description = "Where pictures are taken over plain HTTP/1.1, as curl sends them, and with https:// over HTTP/2 too; off: nowhere. Default: http://127.0.0.1:5007.",
    };

    private readonly Option<bool> _open = new("--open")
    {
        Description = "Lets everybody in who reaches it. Without it a server that others than this machine reach wants keys, tokens or client certificates.",
    };

    /// <param name="settings">From the command line, as configuration takes them.</param>
    public static Command Create(IReadOnlyList<string> settings)
    {
        var verb = new Verb(
            Name,
            "Serves a model until it is told to stop, then lets open sessions finish.",
            """
            SIGTERM and Ctrl-C stop it, SIGHUP has settings, keys, certificates and models read anew. Prints one line on standard output when it can serve,
            with the addresses at which this machine reaches it (127.0.0.1 where it listens on every interface):
              ready URL operations=URL web=URL model=NAME@HASH8 provider=NAME precision=fp32
            Logs go to standard error.
            Exit codes: 0 stopped as told, 1 could not start, 2 wrong settings, 71 device lost.

            Example: a model of your own, for everybody who has a key
              loupe-grpc-server key add --file keys.json --name gate-3
              loupe-grpc-server serve --model models/loupe-l14 --listen https://*:5005 --Loupe:Security:Keys=keys.json
                  --Loupe:Tls:Certificate=server.pem --Loupe:Tls:Key=server.key
            """);
        new ServeCommand().AddTo(verb, settings);
        return verb;
    }

    /// <summary>Makes a command, the root among them, this one.</summary>
    /// <param name="settings">From the command line, as configuration takes them.</param>
    public void AddTo(Command command, IReadOnlyList<string> settings)
    {
        command.Add(_model);
        command.Add(_listen);
        command.Add(_operations);
        command.Add(_web);
        command.Add(_open);
        command.SetAction((result, cancellationToken) => RunAsync(
            [
                .. settings,
                .. Setting(result, _model, "Model:Path"),
                .. Setting(result, _listen, "Endpoints:Grpc"),
                .. Setting(result, _operations, "Endpoints:Operations"),
                .. Setting(result, _web, "Endpoints:Web"),
                .. result.GetValue(_open) ? [$"--{LoupeOptions.Section}:Security:Open=true"] : Array.Empty<string>(),
            ],
            Environment.GetEnvironmentVariables(),
            result.InvocationConfiguration.Output,
            result.InvocationConfiguration.Error,
            cancellationToken));
    }

    /// <param name="settings">From the command line: <c>--Name=value</c>.</param>
    /// <param name="stop">Ends a server that serves, in its own time.</param>
    private static async Task<int> RunAsync(
        string[] settings, IDictionary environment, TextWriter output, TextWriter error, CancellationToken stop)
    {
        if (await LoadedSettings.LoadAsync(settings, environment, error, listens: true).ConfigureAwait(false) is not { } loaded)
        {
            return ExitCode.Usage;
        }

        try
        {
            return await ServeAsync(loaded, settings, environment, output, stop).ConfigureAwait(false);
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is ListenException)
        {
            // Behind the last line of the log.
            await error.WriteLineAsync($"error: {CommandFailure.Explain(exception)}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (InvalidDataException exception)
        {
            // A file that was whole when the settings were read, or that cannot be written.
            await error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop before it could serve: there was nothing to drain.
            return ExitCode.Success;
        }
    }

    private static async Task<int> ServeAsync(LoadedSettings loaded, string[] settings, IDictionary environment, TextWriter output, CancellationToken stop)
    {
        var options = loaded.Options;
        using var logging = new ServerLogging(loaded);
        var logger = logging.Loggers.CreateLogger<ServeCommand>();
        foreach (var variable in ConfigurationSources.IgnoredAddressVariables(environment))
        {
            ServeLog.AddressVariableIgnored(logger, variable);
        }

        if (ProcessLimits.AddressSpace is { } bytes)
        {
            AddressSpaceException.ThrowIfLess(bytes);
            ServeLog.AddressSpaceLimited(logger, bytes >> 20);
        }

        // Instruments of engines outlive each one of them.
        var metrics = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using var ownedMetrics = metrics.ConfigureAwait(false);
        var loader = new ModelLoader(
            options, ServerProgram.AsHost(loaded, environment), environment, TimeProvider.System, logging.Loggers, metrics.GetRequiredService<IMeterFactory>(), FreeMemory.Bytes);
        var models = await ModelRepository.LoadAsync(options.ModelSources, loader, logging.Loggers.CreateLogger<ModelRepository>(), stop).ConfigureAwait(false);
        await using (models.ConfigureAwait(false))
        {
            var server = await LoupeServer.StartAsync(options, models, TimeProvider.System, logging.AddTo, stop).ConfigureAwait(false);
            await using (server.ConfigureAwait(false))
            {
                using var manager = ServiceManager.Of(name => environment[name] as string, Environment.ProcessId, TimeProvider.System);
                var readyLine = ReadyLine(server, models);
                var reload = new SettingsReload(loaded, settings, environment, server, logger);
                await using var ownedReload = reload.ConfigureAwait(false);
                using var hangUp = OnHangUp(async () =>
                {
                    manager.Reloading();
                    await reload.RunAsync().ConfigureAwait(false);
                    manager.Ready(ReadyLine(server, models));
                });
                Announce(output, readyLine);
                manager.Ready(readyLine);
                await Task.WhenAny(models.Lost, Task.Delay(Timeout.Infinite, stop)).ConfigureAwait(false);
                manager.Stopping();
                await server.StopAsync().ConfigureAwait(false);
                // Nobody waits for what still runs.
                models.Abort();
                return models.Lost.IsCompleted ? ExitCode.DeviceLost : ExitCode.Success;
            }
        }
    }

    private static void Announce(TextWriter output, string line)
    {
        try
        {
            output.WriteLine(line);
            output.Flush();
        }
        catch (OutputException exception) when (exception.IsClosed)
        {
            // Who starts a service without standard output asks its probes.
        }
    }

    /// <summary>Scripts wait for this line and read it.</summary>
    private static string ReadyLine(LoupeServer server, ModelRepository models) => ReadyLine(server, models.Default);

    private static string ReadyLine(LoupeServer server, IFrameAnalyzer model) =>
        $"ready {Text(server.Grpc)} operations={Text(server.Operations)}{(server.Web is { } web ? $" web={Text(web)}" : "")} model={model.Model.Title} "
        + $"provider={model.Execution.Provider} precision={model.Execution.Precision}";

    private static string Text(Uri address) => address.Scheme == "unix" ? Uri.UnescapeDataString(address.OriginalString) : address.GetLeftPart(UriPartial.Authority);

    /// <summary>Where there is no such signal there is nothing to do.</summary>
    /// <param name="reload">Takes as long as a model takes to load, and does not throw.</param>
    private static PosixSignalRegistration? OnHangUp(Func<Task> reload) => OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(
        PosixSignal.SIGHUP,
        signal =>
        {
            signal.Cancel = true;
            _ = reload();
        });

    private static IEnumerable<string> Setting(ParseResult result, Option<string> option, string name) =>
        result.GetValue(option) is { } value ? [$"--{LoupeOptions.Section}:{name}={value}"] : [];
}
