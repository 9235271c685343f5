using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Execution;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>compile</c>: builds engines before anybody waits for them.</summary>
internal sealed class CompileCommand
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly Option<string> _model = new("--model")
    {
        HelpName = "DIR",
        Description = "Model package to compile for. Default: the embedded demonstration model.",
    };

    private readonly Option<string[]> _providers = new("--provider")
    {
        HelpName = "NAME",
        Description = "Only this one of the configured providers; may be given again. Default: each that builds engines.",
    };

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line: provider, state (working, built, present, failed), message." };

    public static Command Create(IReadOnlyList<string> settings)
    {
        var verb = new Verb(
            "compile",
            "Builds the engines of the configured providers, TensorRT above all, so that the server starts on them.",
            """
            Takes the settings of 'serve' (Loupe:Execution:... above all), tries the provider, builds an engine for every graph and bucket, checks what it
            answers, and keeps it in Loupe:Execution:CacheDirectory under a key of everything it depends on: model, ONNX Runtime, provider, GPU, driver,
            precision, profile, options. 'serve' does the same beside the service where engines are missing.
            Exit codes: 0 built, or there already; 1 not built (and why); 2 wrong settings or usage; 130 interrupted.
            """);
        new CompileCommand().AddTo(verb, settings);
        return verb;
    }

    private void AddTo(Command command, IReadOnlyList<string> settings)
    {
        command.Add(_model);
        command.Add(_providers);
        command.Add(_json);
        command.SetAction((result, cancellationToken) => RunAsync(
            [.. settings, .. result.GetValue(_model) is { } model ? [$"--{LoupeOptionsReader.Section}:Model:Path={model}"] : Array.Empty<string>()],
            result.GetValue(_providers) ?? [],
            new Lines(result.InvocationConfiguration.Output, result.InvocationConfiguration.Error, result.GetValue(_json)),
            result.InvocationConfiguration.Error,
            cancellationToken));
    }

    private static async Task<int> RunAsync(string[] settings, string[] providers, Lines lines, TextWriter error, CancellationToken cancellationToken)
    {
        var environment = Environment.GetEnvironmentVariables();
        if (await LoadedSettings.LoadAsync(settings, environment, error).ConfigureAwait(false) is not { } loaded)
        {
            return ExitCode.Usage;
        }

        var execution = loaded.Options.Execution;
        if (providers.FirstOrDefault(name => !execution.Providers.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            await error.WriteLineAsync($"error: --provider: '{unknown}' is not in Loupe:Execution:Providers ({string.Join(", ", execution.Providers)})").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        using var loggers = LoggerFactory.Create(loaded.AddLogging);
        try
        {
            using var model = await ServedModel.PrepareAsync(loaded.Options, environment, loggers.CreateLogger<CompileCommand>(), cancellationToken).ConfigureAwait(false);
            var cache = EmbeddedModel.CacheDirectory(loaded.Options, environment);
            using var setup = ExecutionSetup.Create(loaded.Options, loaded.ToArguments(), model.Package, cache, loggers);
            var code = ExitCode.Success;
            var any = false;
            foreach (var rung in setup.Plan.Where(rung => rung.BuildsEngines && (providers.Length == 0 || providers.Contains(rung.Provider, StringComparer.OrdinalIgnoreCase))))
            {
                any = true;
                code = await CompileAsync(rung, setup, lines, cancellationToken).ConfigureAwait(false) ? code : ExitCode.Failure;
            }

            if (!any)
            {
                await error.WriteLineAsync($"nothing to do: none of {string.Join(", ", execution.Providers)} builds engines").ConfigureAwait(false);
            }

            return code;
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("interrupted; engines that were finished are kept").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
    }

    private static async Task<bool> CompileAsync(PlannedRung rung, ExecutionSetup setup, Lines lines, CancellationToken cancellationToken)
    {
        lines.Write(new CompileLine(rung.Provider, CompileLine.Working, "tries the provider"));
        var examined = await setup.Starter.ExamineAsync(rung, cancellationToken).ConfigureAwait(false);
        if (examined.Mistake is not null)
        {
            lines.Write(new CompileLine(rung.Provider, CompileLine.Failed, examined.Mistake));
            return false;
        }

        foreach (var device in examined.Devices)
        {
            if (device.MissingEngines is not { } key)
            {
                lines.Write(new CompileLine(rung.Provider, CompileLine.Present, "its engines are there already"));
                continue;
            }

            lines.Write(new CompileLine(rung.Provider, CompileLine.Working, "waits for another build on this machine"));
            Directory.CreateDirectory(Path.GetDirectoryName(setup.Cache.LockFile)!);
            using (await FileLock.AcquireAsync(setup.Cache.LockFile, cancellationToken).ConfigureAwait(false))
            {
                // Whoever held the lock may have built the same.
                if (setup.Cache.Find(key) is not null)
                {
                    lines.Write(new CompileLine(rung.Provider, CompileLine.Present, "its engines are there already"));
                }
                else if (!await BuildAsync(rung, device, key, setup, lines, cancellationToken).ConfigureAwait(false))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static async Task<bool> BuildAsync(
        PlannedRung rung, ExaminedDevice device, EngineCacheKey key, ExecutionSetup setup, Lines lines, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var staging = setup.Cache.Begin(key);
        var target = device.Target with { Options = rung.Options(setup.Package.Manifest, staging) };
        var where = target.Device.Length > 0 ? $" on {target.Device}" : string.Empty;
        try
        {
            var starting = setup.Starter.StartAsync(target, cancellationToken);
            while (await Task.WhenAny(starting, Task.Delay(ProgressInterval, cancellationToken)).ConfigureAwait(false) != starting)
            {
                cancellationToken.ThrowIfCancellationRequested();
                lines.Write(new CompileLine(
                    rung.Provider, CompileLine.Working, string.Create(CultureInfo.InvariantCulture, $"builds engines{where}, {clock.Elapsed.TotalSeconds:0} s so far")));
            }

            await (await starting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (ModelLoadException exception)
        {
            Directory.Delete(staging, recursive: true);
            lines.Write(new CompileLine(rung.Provider, CompileLine.Failed, exception.Message));
            return false;
        }

        var directory = setup.Cache.Keep(key, staging);
        lines.Write(new CompileLine(
            rung.Provider, CompileLine.Built, string.Create(CultureInfo.InvariantCulture, $"{directory} in {clock.Elapsed.TotalSeconds:F1} s")));
        return true;
    }

    /// <summary>Results to standard output; what happens meanwhile there as JSON, or to standard error for people.</summary>
    private sealed class Lines(TextWriter output, TextWriter error, bool json)
    {
        public void Write(CompileLine line)
        {
            var writer = json || line.State is CompileLine.Built or CompileLine.Present ? output : error;
            writer.WriteLine(json ? line.ToJson() : $"{line.Provider}: {(line.State == CompileLine.Working ? string.Empty : line.State + ": ")}{line.Message}");
            writer.Flush();
        }
    }
}
