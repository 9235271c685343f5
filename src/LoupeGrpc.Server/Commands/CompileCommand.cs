using System.CommandLine;
using LoupeGrpc.Execution;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>compile</c>: builds engines before anybody waits for them.</summary>
internal sealed class CompileCommand
{
    private readonly Option<string> _model = new("--model")
    {
        HelpName = "DIR",
        Description = "Model package to compile for, and no other. Default: all that 'serve' would serve.",
    };

    private readonly Option<string[]> _providers = new("--provider")
    {
        HelpName = "NAME",
        Description = "Only this one of the configured providers; may be given again. Default: each that builds engines.",
    };

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line: provider, state (working, built, present, failed), message." };

    private readonly Option<bool> _endWithInput = new(ParentWatch.Option)
    {
        Hidden = true,
        Description = "End when standard input ends: for programs that start this one.",
    };

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
        command.Add(_endWithInput);
        command.SetAction((result, cancellationToken) =>
        {
            if (result.GetValue(_endWithInput))
            {
#pragma warning disable RS0030 // A command's configuration has no input.
                ParentWatch.Begin(Console.In);
#pragma warning restore RS0030
            }

            return RunAsync(
                [.. settings],
                result.GetValue(_model),
                result.GetValue(_providers) ?? [],
                new Lines(result.InvocationConfiguration.Output, result.InvocationConfiguration.Error, result.GetValue(_json)),
                result.InvocationConfiguration.Error,
                cancellationToken);
        });
    }

    /// <param name="only">Folder of the one package; null: all that the settings name.</param>
    private static async Task<int> RunAsync(string[] settings, string? only, string[] providers, Lines lines, TextWriter error, CancellationToken cancellationToken)
    {
        var environment = Environment.GetEnvironmentVariables();
        if (await LoadedSettings.LoadAsync(settings, environment, error).ConfigureAwait(false) is not { } loaded)
        {
            return ExitCode.Usage;
        }

        var options = loaded.Options;
        var configured = options.Execution.Providers;
        if (providers.FirstOrDefault(name => !configured.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            await error.WriteLineAsync($"error: --provider: '{unknown}' is not in Loupe:Execution:Providers ({string.Join(", ", configured)})").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        using var loggers = LoggerFactory.Create(loaded.AddLogging);
        try
        {
            var code = ExitCode.Success;
            var any = false;
            foreach (var source in only is null ? options.ModelSources : [new ModelSource(ModelSource.DefaultName, only)])
            {
                var logger = loggers.CreateLogger<CompileCommand>();
                using var model = await ServedModel.PrepareAsync(source, options, environment, logger, cancellationToken).ConfigureAwait(false);
                model.WarnOfDemonstration(logger);
                var setup = ExecutionSetup.Create(
                    model.Package, options.Execution, options.Engine, ServerProgram.AsHost(loaded, environment), TimeProvider.System, loggers);
                foreach (var rung in setup.Plan.Where(rung => rung.BuildsEngines && (providers.Length == 0 || providers.Contains(rung.Provider, StringComparer.OrdinalIgnoreCase))))
                {
                    any = true;
                    code = await setup.CompileAsync(rung, lines.Write, cancellationToken).ConfigureAwait(false) ? code : ExitCode.Failure;
                }
            }

            if (!any)
            {
                await error.WriteLineAsync($"nothing to do: none of {string.Join(", ", configured)} builds engines").ConfigureAwait(false);
            }

            return code;
        }
        catch (Exception exception) when (ModelConversion.IsExpected(exception) || exception is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"error: {CommandFailure.Explain(exception)}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("interrupted; engines that were finished are kept").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
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
