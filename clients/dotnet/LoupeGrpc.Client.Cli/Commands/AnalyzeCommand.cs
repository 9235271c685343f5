using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Inputs;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`analyze PATH…`: pictures.</summary>
internal static class AnalyzeCommand
{
    public const string Lesson = $$$"""
        Examples:
          loupe-grpc-client analyze holiday.jpg
          loupe-grpc-client analyze photos/ --save-overlays --output results
          loupe-grpc-client analyze 'archive/**/*.png' --format csv > results.csv
          find . -newer yesterday -name '*.jpg' | loupe-grpc-client analyze --files-from - --format jsonl
          loupe-grpc-client analyze photos/ --mask always --thresholds 0.5,0.5 --export-loupe out

        A folder is searched for pictures by extension, with the folders below it, in ordinal order of the full path; links to folders
        are not followed. `*` in a quoted pattern matches within a name, `**` over folders. Files named one by one are sent whatever
        they are called. Results come in the order of the inputs.

        SCORE is the probability that the picture was forged, 0 to 1. FORGED is the share of its pixels inside the mask. MS is the time
        from receipt to outcome on the server, in milliseconds.

        With --format jsonl each line is
          {"path","frame_id","outcome","score","verdict","width","height","mask":{"size":[h,w],"counts"},"mask_area","regions","notes",
           "sha256","timings_ms","provider"}
        or {"path","frame_id","outcome":"FAILED","error":{"code","message"}}. `mask` is COCO run-length encoding,
        and is not there when --mask gave none; "mask_area" (pixels) and "regions" are then 0 and [].

        {{{TeachingHelp.ExitCodes}}}
        """;

    public static Command Create(CliHost host)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Picture files (JPEG, PNG, WebP, BMP, TIFF), folders, patterns with * or **.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var filesFrom = new Option<string?>("--files-from")
        {
            Description = "Read further paths from FILE, one a line; - is standard input.",
            HelpName = "FILE|-",
        };
        var options = new AnalysisOptionSet(host);
        var command = new Command("analyze", "Analyse pictures: score, verdict and mask for each.") { paths, filesFrom };
        options.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(paths) is not { Length: > 0 } && result.GetValue(filesFrom) is null)
            {
                result.AddError("Say what to analyse: PATH… or --files-from FILE.");
            }
        });
        command.SetAction((result, _) => CommandRunner.RunAsync(host, async () =>
        {
            var listed = result.GetValue(filesFrom) is { } list ? await ReadListAsync(list, host) : [];
            var items = PathExpander.Expand([.. result.GetValue(paths) ?? [], .. listed]);
            return await new AnalysisCommand(host, options.Read(result)).RunAsync(
                (_, _) => Task.FromResult<FrameSource>(new ItemListSource("analyze", items)),
                new LoupeSessionOptions());
        }));
        return command;
    }

    private static async Task<IReadOnlyList<string>> ReadListAsync(string list, CliHost host)
    {
        try
        {
            using var file = list == "-" ? null : new StreamReader(list);
            var text = await (file ?? host.Input).ReadToEndAsync(host.Interrupt);
            return text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--files-from {list}: {error.Message}");
        }
    }
}
