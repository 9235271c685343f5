using System.Collections;
using LoupeGrpc.Files;
using LoupeGrpc.Launch;
using Microsoft.Extensions.Configuration.Json;

namespace LoupeGrpc.Server.Configuration;

/// <summary>
/// Where settings come from: <c>appsettings.json</c> beside the program, then the file that <see cref="FileVariable"/> names, then the environment, then the command
/// line; the last wins.
/// </summary>
internal static class ConfigurationSources
{
    /// <summary>The variable that names a file of the operator's own.</summary>
    public const string FileVariable = "LOUPE_SETTINGS";

    private static readonly string[] AddressVariables =
    [
        "ASPNETCORE_URLS", "DOTNET_URLS", "URLS",
        "ASPNETCORE_HTTP_PORTS", "DOTNET_HTTP_PORTS", "HTTP_PORTS",
        "ASPNETCORE_HTTPS_PORTS", "DOTNET_HTTPS_PORTS", "HTTPS_PORTS",
    ];

    /// <param name="settingsFile">May be missing.</param>
    /// <param name="arguments"><c>--Name=value</c> or <c>--Name value</c>.</param>
    /// <exception cref="InvalidDataException">The file is not JSON, or cannot be read; the message says where.</exception>
    public static IConfigurationRoot Build(string settingsFile, IDictionary environment, string[] arguments)
    {
        var builder = new ConfigurationBuilder();
        Add(builder, settingsFile, mustExist: false);
        if (environment[FileVariable] is string { Length: > 0 } own)
        {
            Add(builder, Path.GetFullPath(own), mustExist: true);
        }

        return builder.Add(new FixedEnvironment(environment)).AddCommandLine(arguments).Build();
    }

    private static void Add(ConfigurationBuilder builder, string file, bool mustExist)
    {
        try
        {
            if (NamedFile.IsEmpty(file))
            {
                throw new IOException("it is empty, or a pipe");
            }

            // Alone first: what is wrong with it is said with its name.
            _ = new ConfigurationBuilder().AddJsonFile(file, optional: !mustExist).Build();
        }
        catch (FileNotFoundException exception)
        {
            throw new InvalidDataException($"{file}, which {FileVariable} names, is not there.", exception);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{file} cannot be read: {exception.InnerException?.Message ?? exception.Message}", exception);
        }

        builder.AddJsonFile(file, optional: true);
    }

    /// <summary>Variables that would move an ASP.NET server to another address, and do not move this one.</summary>
    public static IReadOnlyList<string> IgnoredAddressVariables(IDictionary environment) =>
        [.. AddressVariables.Where(name => environment[name] is string { Length: > 0 })];

    /// <summary>The value that counts, which is the last one's; of a list in numbered entries all of them. Null where there is none.</summary>
    public static ConfiguredValue? Find(IConfigurationRoot configuration, string key)
    {
        var entries = configuration.GetSection(key).GetChildren().Where(static child => child.Value is not null && child.Key.All(char.IsAsciiDigit)).ToList();
        return entries.Count > 0 ? new ConfiguredValue(string.Join(',', entries.Select(static entry => entry.Value)), SourceOf(entries[0].Path))
            : configuration[key] is { } text ? new ConfiguredValue(text, SourceOf(key))
            : null;

        string SourceOf(string path) => configuration.Providers.Last(provider => provider.TryGet(path, out _)) switch
        {
            JsonConfigurationProvider json => json.Source.Path ?? "settings file",
            FixedEnvironment => "environment",
            _ => "command line",
        };
    }

    /// <summary>The given variables instead of the process's own, so that tests do not share them; <c>__</c> separates sections.</summary>
    private sealed class FixedEnvironment(IDictionary environment) : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override void Load()
        {
            foreach (DictionaryEntry variable in environment)
            {
                Data[((string)variable.Key).Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal)] = variable.Value as string;
            }
        }
    }
}

/// <summary>A value of a setting, as it was written.</summary>
/// <param name="Source">Where, in a word or two.</param>
internal sealed record ConfiguredValue(string Text, string Source)
{
    /// <summary>The beginning of a sentence about it. Control characters never reach a terminal.</summary>
    public string Describe(string name) => $"{name} is '{TerminalLetters.Replaced(Text)}' ({Source})";
}
