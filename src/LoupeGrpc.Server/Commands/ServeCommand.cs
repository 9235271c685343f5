using System.Collections;
using System.CommandLine;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Streaming;
using Microsoft.Extensions.Logging.Console;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>serve</c>: from settings to the ready line, and from a signal to the exit code.</summary>
internal sealed class ServeCommand
{
    private readonly Option<string> _model = new("--model")
    {
        HelpName = "DIR",
        Description = "Model package to serve, as 'convert' writes it. Default: the embedded demonstration model.",
    };

    private readonly Option<string> _listen = new("--listen")
    {
        HelpName = "URL",
        Description = "Where gRPC listens. Port 0 picks a free one, shown in the ready line. Default: http://127.0.0.1:5005.",
    };

    private readonly Option<string> _operations = new("--operations")
    {
        HelpName = "URL",
        Description = "Where probes are answered over HTTP/1.1. Default: http://127.0.0.1:5006.",
    };

    /// <summary>Makes a command, the root among them, this one.</summary>
    /// <param name="settings">From the command line, as configuration takes them.</param>
    public void AddTo(Command command, IReadOnlyList<string> settings)
    {
        command.Add(_model);
        command.Add(_listen);
        command.Add(_operations);
        command.SetAction((result, cancellationToken) => RunAsync(
            [.. settings, .. Setting(result, _model, "Model:Path"), .. Setting(result, _listen, "Endpoints:Grpc"), .. Setting(result, _operations, "Endpoints:Operations")],
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
        IConfigurationRoot configuration;
        try
        {
            configuration = ConfigurationSources.Build(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), environment, settings);
        }
        catch (InvalidDataException exception)
        {
            await error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        var (options, mistakes) = LoupeOptionsReader.Read(configuration);
        if (mistakes.Count > 0)
        {
            foreach (var mistake in mistakes)
            {
                await error.WriteLineAsync($"error: {mistake}").ConfigureAwait(false);
            }

            return ExitCode.Usage;
        }

        using var loggers = LoggerFactory.Create(Logging);
        var logger = loggers.CreateLogger<ServeCommand>();
        foreach (var variable in ConfigurationSources.IgnoredAddressVariables(environment))
        {
            ServeLog.AddressVariableIgnored(logger, variable);
        }

        try
        {
            await ServeAsync(options, environment, Logging, loggers, logger, output, stop).ConfigureAwait(false);
            return ExitCode.Success;
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is ListenException)
        {
            await error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop before it could serve: there was nothing to drain.
            return ExitCode.Success;
        }

        void Logging(ILoggingBuilder logging)
        {
            logging.AddConfiguration(configuration.GetSection("Logging"));
            logging.AddSimpleConsole(static console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.UseUtcTimestamp = true;
            });
            logging.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        }
    }

    private static async Task ServeAsync(
        LoupeOptions options, IDictionary environment, Action<ILoggingBuilder> logging, ILoggerFactory loggers, ILogger logger, TextWriter output, CancellationToken stop)
    {
        using var embedded = options.Model.Path.Length > 0 ? null : await PrepareEmbeddedAsync(options, environment, logger, stop).ConfigureAwait(false);
        var package = embedded?.Package ?? ModelPackage.Open(options.Model.Path);
        if (package.Manifest.Demonstration)
        {
            ModelLog.Demonstration(logger, package.Manifest.Name);
        }

        var engine = await LoupeEngine.StartAsync(package, options.Engine, ExecutionTarget.Cpu, loggers, TimeProvider.System, stop).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            var analyzer = new EngineAnalyzer(engine);
            var server = await LoupeServer.StartAsync(options, analyzer, TimeProvider.System, logging, stop).ConfigureAwait(false);
            await using (server.ConfigureAwait(false))
            {
                await output.WriteLineAsync(ReadyLine(server, analyzer)).ConfigureAwait(false);
                await output.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await server.StopAsync().ConfigureAwait(false);
                // Nobody waits for what still runs.
                engine.Abort();
            }
        }
    }

    private static Task<EmbeddedModel> PrepareEmbeddedAsync(LoupeOptions options, IDictionary environment, ILogger logger, CancellationToken cancellationToken)
    {
        var cache = EmbeddedModel.CacheDirectory(options, name => environment[name] as string);
        return EmbeddedModel.PrepareAsync(cache, logger, cancellationToken);
    }

    /// <summary>Scripts wait for this line and read it.</summary>
    private static string ReadyLine(LoupeServer server, EngineAnalyzer analyzer) =>
        $"ready {Text(server.Grpc)} operations={Text(server.Operations)} model={OperationsInfo.ModelName(analyzer)} "
        + $"provider={analyzer.Execution.Provider} precision={analyzer.Execution.Precision}";

    private static string Text(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static IEnumerable<string> Setting(ParseResult result, Option<string> option, string name) =>
        result.GetValue(option) is { } value ? [$"--{LoupeOptionsReader.Section}:{name}={value}"] : [];
}
