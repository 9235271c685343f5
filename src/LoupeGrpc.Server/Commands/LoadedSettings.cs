using System.Collections;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Security;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Commands;

/// <summary>The settings of one run of the program, from everywhere they may stand.</summary>
internal sealed class LoadedSettings
{
    private static readonly string[] Listening =
    [
        $"{LoupeOptions.Section}:{nameof(LoupeOptions.Tls)}:",
        $"{LoupeOptions.Section}:{nameof(LoupeOptions.Security)}:",
        $"{LoupeOptions.Section}:{nameof(LoupeOptions.Telemetry)}:",
        $"{LoupeOptions.Section}:{nameof(LoupeOptions.Sessions)}:",
    ];

    private LoadedSettings(IConfigurationRoot configuration, LoupeOptions options) => (Configuration, Options) = (configuration, options);

    public LoupeOptions Options { get; }

    private IConfigurationRoot Configuration { get; }

    /// <param name="arguments">From the command line: <c>--Loupe:Name=value</c>.</param>
    /// <param name="error">Told everything that is wrong.</param>
    /// <param name="listens">Whether the program will let others in.</param>
    /// <returns>Null where something is.</returns>
    public static async Task<LoadedSettings?> LoadAsync(string[] arguments, IDictionary environment, TextWriter error, bool listens = false)
    {
        var (loaded, errors) = Read(arguments, environment, listens);
        foreach (var line in errors)
        {
            await error.WriteLineAsync($"error: {line}").ConfigureAwait(false);
        }

        return errors.Count > 0 ? null : loaded;
    }

    /// <summary>For a command that has errors of its own to tell beside them.</summary>
    /// <returns>With an error, what is loaded has its defaults.</returns>
    public static (LoadedSettings Loaded, IReadOnlyList<string> Errors) Read(IEnumerable<string> arguments, IDictionary environment, bool listens = false)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder().Build();
        try
        {
            configuration = ConfigurationSources.Build(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), environment, [.. arguments]);
            var collection = new ServiceCollection().AddLoupeOptions(configuration);
            if (listens)
            {
                collection.AddSingleton<IValidateOptions<LoupeOptions>, SecurityValidation>();
            }

            using var services = collection.BuildServiceProvider();
            var loaded = new LoadedSettings(configuration, services.GetRequiredService<IOptions<LoupeOptions>>().Value.WithinMemory(
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
            loaded.CheckLogging();
            return (loaded, []);
        }
        catch (InvalidDataException exception)
        {
            return (new LoadedSettings(configuration, new LoupeOptions()), [exception.Message]);
        }
        catch (OptionsValidationException exception)
        {
            return (new LoadedSettings(configuration, new LoupeOptions()), [.. exception.Failures]);
        }
    }

    /// <summary>Every value that is set, as arguments for another run of the program, which does not listen: everybody on the machine sees them, so no secrets.</summary>
    public IReadOnlyList<string> ToArguments() =>
        [.. Configuration.GetSection(LoupeOptions.Section).AsEnumerable()
            .Where(static setting => setting.Value is not null && !Listening.Any(section => setting.Key.StartsWith(section, StringComparison.OrdinalIgnoreCase)))
            .Select(static setting => $"--{setting.Key}={setting.Value}")];

    /// <summary>Names of the log levels that another reading of the settings has differently.</summary>
    public IReadOnlyList<string> LogLevelDifferences(LoadedSettings other) => SettingDescription.Differences(LogLevels(), other.LogLevels());

    /// <summary>Reads the files anew: log levels change for whoever logs; options stay what they are.</summary>
    public void ReloadLogLevels() => Configuration.Reload();

    /// <summary>Logs go to standard error: standard output is for what programs read.</summary>
    public void AddLogging(ILoggingBuilder logging)
    {
        AddLogLevels(logging);
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.AddConsoleFormatter<LogLineFormatter, ConsoleFormatterOptions>();
        logging.AddConsoleFormatter<LogJsonFormatter, ConsoleFormatterOptions>();
        logging.AddLoupeTelemetry(Options.Telemetry);
        logging.AddConsole(console =>
        {
            console.FormatterName = Options.Logging.Format == LogFormat.Json ? LogJsonFormatter.FormatterName : LogLineFormatter.FormatterName;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            // Who reads the log must never hold up who serves: what does not fit is counted, and said when there is room again.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
    }

    /// <summary>For a host that is given a provider.</summary>
    public void AddLogLevels(ILoggingBuilder logging) => logging.AddConfiguration(Configuration.GetSection(LoggingValidation.Section));

    private IEnumerable<KeyValuePair<string, string>> LogLevels() => Configuration.GetSection(LoggingValidation.Section).AsEnumerable()
        .Where(static level => level.Value is not null).OrderBy(static level => level.Key, StringComparer.Ordinal).Select(static level => KeyValuePair.Create(level.Key, level.Value!));

    /// <summary>The framework reads some values only when the first logger is made.</summary>
    private void CheckLogging()
    {
        try
        {
            LoggerFactory.Create(AddLogging).Dispose();
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"section {LoggingValidation.Section}: {exception.Message}", exception);
        }
    }
}
