using System.Collections;
using LoupeGrpc.Server.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace LoupeGrpc.Server.Commands;

/// <summary>The settings of one run of the program, from everywhere they may stand.</summary>
internal sealed class LoadedSettings
{
    private LoadedSettings(IConfigurationRoot configuration, LoupeOptions options) => (Configuration, Options) = (configuration, options);

    public LoupeOptions Options { get; }

    private IConfigurationRoot Configuration { get; }

    /// <param name="arguments">From the command line: <c>--Loupe:Name=value</c>.</param>
    /// <param name="error">Told every mistake.</param>
    /// <returns>Null with a mistake.</returns>
    public static async Task<LoadedSettings?> LoadAsync(string[] arguments, IDictionary environment, TextWriter error)
    {
        var (loaded, mistakes) = Read(arguments, environment);
        foreach (var mistake in mistakes)
        {
            await error.WriteLineAsync($"error: {mistake}").ConfigureAwait(false);
        }

        return mistakes.Count > 0 ? null : loaded;
    }

    /// <summary>For a command that has mistakes of its own to tell beside them.</summary>
    /// <returns>With a mistake, what is loaded is of no use.</returns>
    public static (LoadedSettings Loaded, IReadOnlyList<string> Mistakes) Read(IEnumerable<string> arguments, IDictionary environment)
    {
        try
        {
            var configuration = ConfigurationSources.Build(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), environment, [.. arguments]);
            var (options, mistakes) = LoupeOptionsReader.Read(configuration);
            return (new LoadedSettings(configuration, options), mistakes);
        }
        catch (InvalidDataException exception)
        {
            return (new LoadedSettings(new ConfigurationBuilder().Build(), new LoupeOptions()), [exception.Message]);
        }
    }

    /// <summary>Every value that is set, as arguments for another run of the program.</summary>
    public IReadOnlyList<string> ToArguments() =>
        [.. Configuration.GetSection(LoupeOptionsReader.Section).AsEnumerable()
            .Where(static setting => setting.Value is not null)
            .Select(static setting => $"--{setting.Key}={setting.Value}")];

    /// <summary>Logs go to standard error: standard output is for what programs read.</summary>
    public void AddLogging(ILoggingBuilder logging)
    {
        logging.AddConfiguration(Configuration.GetSection("Logging"));
        logging.AddSimpleConsole(static console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
