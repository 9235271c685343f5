using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
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
          find . -name '*.jpg' -print0 | loupe-grpc-client analyze --files-from - --null --format jsonl
          loupe-grpc-client analyze photos/ --mask always --thresholds 0.5,0.5 --export-loupe out
          loupe-grpc-client analyze archive/ --skip-done --output results --save-masks
          loupe-grpc-client analyze holiday.jpg --explain en
          loupe-grpc-client analyze photos/ --report photos.html
          loupe-grpc-client analyze inbox/ --events webhook:https://example.org/hooks/loupe
          loupe-grpc-client analyze holiday.jpg --serve                                   (no server need be running)

        A folder is searched with those below it, in ordinal order of the full path. Pictures are told by their first bytes, whatever they are called;
        what is no picture is counted at the end, a folder that cannot be read has its row. `*` in a quoted pattern matches within a name, `**` over
        folders. Links to folders are not followed, neither in folders nor by patterns; one that is named itself is. Pipes and devices are never read.
        A name that is not UTF-8 is shown with `\xHH` for each such byte; `\x5c` is a backslash that would look like one of these.
        Results come in the order of the inputs.

        A damaged picture has the note DAMAGED and the verdict UNCERTAIN, where its format has checksums or its decoder complains (PNG, JPEG); damage
        inside WebP, BMP and most of TIFF leaves no trace, and is judged.

        SCORE is the probability that the picture was forged, 0 to 1. FORGED is the share of its pixels inside the mask. MS is the time that the server
        spent on the picture itself, WAIT the time that the picture waited there for others, both in milliseconds.

        With --format jsonl each line is
          {"path","frame_id","outcome","score","verdict","width","height","mask":{"size":[h,w],"counts"},"mask_area","regions","notes",
           "sha256","timings_ms","provider","orientation","tiles","explanation","mask_file","overlay_file"}
        or {"path","frame_id","outcome":"FAILED","error":{"code","message"}}. `mask` is COCO run-length encoding. Where no mask was computed there is
        no "mask", "mask_area" (pixels) and "regions". "mask_file" and "overlay_file" are there when such a file was written,
        "orientation" (EXIF's, 2 to 8) where viewers turn the picture: masks and boxes are in stored pixels.

        "explanation" are sentences about what was measured, [{"code","text","numbers"}]: the code and the numbers for programs, the text for people. With
        --explain en the table has them below each row, and CSV in a column of their own.

        A picture of many megapixels, resized to the model's input of a few hundred pixels, loses most of what a forgery leaves. With --tiles auto it is looked
        at in tiles, which costs a run of the model for each. SCORE is then what the tiles have in common, and "tiles" says how many there were and
        where the highest score is: {"analysed","of","step","whole_picture_run","coverage","peak":{"score","box":[x,y,w,h]}}.

        Files are named after their inputs, with the folders below the one that was searched; where two would get the same name, with more of their
        folders or with their extension (a.jpg.png). They are written whole or not at all, and a mask of an earlier run never stays beside a result
        that has none.

        --report writes one HTML file that needs no network and no script: a summary, a list that can be filtered by verdict, each picture beside what was
        marked in it, the score between its thresholds, sentences (English unless --explain says otherwise), SHA-256, model, settings, and what the
        figures mean. It prints well. Its pictures are copies of at most 640 pixels: after the first 200 only those of suspected ones are shown, with at
        most 320, and the page says what it leaves out. Ctrl-C writes it too. Keys and headers are not in it; paths are.

        --events tells a webhook or an MQTT broker when the run begins and ends, of each picture that is manipulated, and of each that failed; with --events-of
        results of each outcome too, as --format jsonl has it. An event is in the outbox, a file, before its row is printed, and stays there until the receiver
        has it: what a killed run leaves is sent by the next one with the same outbox. `stream --help` and docs/events.md say more. One run at a time has the
        outbox DIR/events/analyze.outbox: for several give each its --events-outbox.

        With --skip-done results are kept in DIR/results.jsonl too (--output DIR), and what is in it is not analysed again: the same command goes on
        where it ended or was killed. An input is done when full path, size and time of change (or else SHA-256) are the same, and so are the model's
        hash, thresholds, mask and tile policy and the files asked for, which must still be there, and --receipts FILE, if
        given, to which this run adds its own. What failed is tried again. Inputs passed over have no row, and count for the exit code.

        {{{TeachingHelp.ExitCodes}}}
        """;

    public static Command Create(CliHost host)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Picture files (JPEG, PNG, WebP, BMP, TIFF; HEIC and AVIF where the server has libheif), folders, patterns with * or **.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var filesFrom = new Option<string?>("--files-from")
        {
            Description = "Read further paths from FILE, one a line, spaces and all; - is standard input.",
            HelpName = "FILE|-",
        };
        var isNull = new Option<bool>("--null", "-0") { Description = "Paths of --files-from end with a zero byte instead of a line break." };
        var skipDone = new Option<bool>("--skip-done")
        {
            Description = "Go on where an earlier run with this option and the same --output ended: keep results in DIR/results.jsonl, pass over what is in it and has not changed.",
        };
        var options = new AnalysisOptionSet(host, "Folder for overlays, masks and the results of --skip-done.", explains: true);
        var command = new Command("analyze", "Analyse pictures: score, verdict and mask for each.") { paths, filesFrom, isNull, skipDone };
        options.AddTo(command);
        var tiles = new TileOptionSet();
        tiles.AddTo(command);
        var events = new EventOptionSet();
        events.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(paths) is not { Length: > 0 } && result.GetValue(filesFrom) is null)
            {
                result.AddError("Say what to analyse: PATH… or --files-from FILE.");
            }

            if (result.GetValue(isNull) && result.GetValue(filesFrom) is null)
            {
                result.AddError("--null needs --files-from.");
            }
        });
        command.SetAction(async (result, _) =>
        {
            var listed = result.GetValue(filesFrom) is { } list ? await PathList.ReadAsync(list, result.GetValue(isNull), host) : [];
            var passedOver = new SkippedFiles();
            IReadOnlyList<string> all = [.. result.GetValue(paths) ?? [], .. listed];
            // A disk that does not answer must not hold up who gives up waiting.
            var items = await Task.Run(() => PathExpander.Expand(all, passedOver, host.Interrupt), CancellationToken.None).WaitAsync(host.Interrupt);
            var analysis = options.Read(result) with { SkipDone = result.GetValue(skipDone), Tiles = tiles.Read(result) };
            analysis = analysis with { Events = events.Read(result, EventOptionSet.Pictures, analysis.Output) };
            return (int)await new AnalysisCommand(host, analysis).RunAsync(
                (_, _) => Task.FromResult<FrameSource>(new ItemListSource("analyze", items, passedOver)),
                new LoupeSessionOptions());
        });
        return command;
    }
}
