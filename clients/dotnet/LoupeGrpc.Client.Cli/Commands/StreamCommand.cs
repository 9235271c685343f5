using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`stream SOURCE`: videos, cameras, folders of frames.</summary>
internal static class StreamCommand
{
    public const string Lesson = $$"""
        Examples:
          loupe-grpc-client stream interview.mp4 --fps 2
          loupe-grpc-client stream camera:0 --delivery freshest
          loupe-grpc-client stream rtsp://user:password@10.0.0.7/live --delivery budget:500 --session gate-3 --format jsonl
          loupe-grpc-client stream frames/ --fps 30 --save-overlays
          loupe-grpc-client stream clip.avi --adapt --snapshot gate.state --plot gate.svg
          loupe-grpc-client stream next.avi --resume gate.state --dual 10 --format jsonl

        SOURCE is a video file, camera:N (N from 0), a network stream such as rtsp://… or a folder of frames in natural order of their
        names (1, 2, 10). A network stream that breaks is opened again, with growing pauses; user and password are never shown. Videos and cameras
        need OpenCV, folders of frames do not. When the connection to the server breaks, the stream goes on with another, as long as the server
        keeps the session.

        --delivery every      each frame is analysed; the source is slowed down
                   freshest   one frame waits, newer ones take its place: what is shown is never old
                   budget:MS  frames older than MS milliseconds when their turn comes are dropped
        With freshest and budget a recording is played at its own speed, else as fast as it can be analysed. Dropped frames are reported
        and are no failure.

        With --adapt each frame is answered with what the session learned from those before it: "adaptation" in the JSON has the optimiser's
        step, the hash of the parameters and how far they drifted. A guard takes back what goes too far, and says so on standard error, where
        step, drift and loss are shown meanwhile. --dual adds "mask_disagreement", there `dual`: the share of the picture on which base and adapted
        mask differ.
        --snapshot keeps what was learned, --resume goes on from there. A snapshot of another model, or a damaged one, is refused by the server
        before the first frame is sent (exit code 2).

        --plot draws score and mask area, with --adapt loss and drift too, over the frames' time (over their number for a folder), and marks
        where the guard stepped in.

        TIME is the frame's time in the stream, in seconds: for cameras and network streams since the first frame.
        The other columns, and the fields of --format jsonl, are those of `analyze`, with "path" the source, "time_s" its time,
        and for a folder "source" the frame's own file.

        {{TeachingHelp.ExitCodes}}
        """;

    public static Command Create(CliHost host)
    {
        var source = new Argument<string>("SOURCE") { Description = "Video file, camera:N, rtsp://…, or a folder of frames." };
        var fps = new Option<double?>("--fps")
        {
            Description = "Analyse at most X frames a second of the source's own time; for a folder, the rate of its frames (25 unless given). [default: all frames]",
            HelpName = "X",
        };
        var maxFrames = new Option<long?>("--max-frames")
        {
            Description = "Stop after N frames. [default: at the end of the source]",
            HelpName = "N",
        };
        var delivery = new Option<DeliveryPolicy>("--delivery")
        {
            Description = "Which frames are analysed when they come too fast: every, freshest or budget:MS. [default: every]",
            HelpName = "every|freshest|budget:MS",
            CustomParser = ParseDelivery,
        };
        var session = new Option<string?>("--session")
        {
            Description = "Name of the session in the server's logs and lists, and for balancers; at most 128 characters. [default: the source, without credentials]",
            HelpName = "NAME",
        };
        var plot = new Option<string?>("--plot")
        {
            Description = "Draw score and mask area over time, with --adapt loss and drift too, as PNG or SVG.",
            HelpName = "FILE.png|FILE.svg",
        };
        plot.Validators.Add(result => Check(
            result,
            result.GetValueOrDefault<string?>() is not { } file || PlotFormats.IsKnown(file),
            $"--plot is '{result.GetValueOrDefault<string?>()}': its name must end in .png or .svg."));
        fps.Validators.Add(result => Check(result, result.GetValueOrDefault<double?>() is not (<= 0 or > 1000), "--fps must be above 0, at most 1000."));
        maxFrames.Validators.Add(result => Check(result, result.GetValueOrDefault<long?>() is not < 1, "--max-frames must be 1 or more."));
        session.Validators.Add(result => Check(result, result.GetValueOrDefault<string?>() is not { Length: > 128 }, "--session must have at most 128 characters."));

        var options = new AnalysisOptionSet(host);
        var command = new Command("stream", "Analyse a video, a camera or a folder of frames, frame by frame.") { source, fps, maxFrames, delivery, session };
        options.AddTo(command);
        var adaptation = new AdaptationOptionSet();
        adaptation.AddTo(command);
        command.Add(plot);
        command.SetAction((result, _) => CommandRunner.RunAsync(host, async () =>
        {
            var address = SourceAddress.Parse(result.GetRequiredValue(source));
            var policy = result.GetValue(delivery) ?? new DeliveryPolicy { Mode = DeliveryMode.EveryFrame };
            var sampling = new SamplingOptions(result.GetValue(fps), result.GetValue(maxFrames) ?? long.MaxValue, host.Time);
            var adapts = adaptation.Read(result);
            var checkpoints = new Checkpoints(adapts.SnapshotFile, adapts.ResumeFile);
            var extras = new StreamExtras(checkpoints, result.GetValue(plot) is { } file ? OutputFile.Reserve("--plot", file) : null);
            return await new AnalysisCommand(host, options.Read(result), extras).RunAsync(
                async (keepFrames, notify) =>
                {
                    var opened = await new StreamSourceFactory(sampling, keepFrames, notify).OpenAsync(address, host.Interrupt);
                    return policy.Mode == DeliveryMode.EveryFrame || opened is LiveSource ? opened : new PacedSource(opened, host.Time);
                },
                new LoupeSessionOptions
                {
                    Name = result.GetValue(session) ?? Shorten(address.Label),
                    Delivery = policy,
                    Adaptation = adapts.Settings,
                    AdaptationSnapshot = checkpoints.Initial,
                });
        }));
        return command;
    }

    private static string Shorten(string label) => label.Length <= 128 ? label : label[^128..];

    private static void Check(OptionResult result, bool isRight, string message)
    {
        if (!isRight)
        {
            result.AddError(message);
        }
    }

    private static DeliveryPolicy? ParseDelivery(ArgumentResult result)
    {
        const string budget = "budget:";
        var text = result.Tokens[0].Value;
        switch (text)
        {
            case "every":
                return new DeliveryPolicy { Mode = DeliveryMode.EveryFrame };
            case "freshest":
                return new DeliveryPolicy { Mode = DeliveryMode.Freshest };
            case not null when text.StartsWith(budget, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(budget.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var milliseconds)
                && milliseconds is > 0 and <= 3_600_000:
                return new DeliveryPolicy
                {
                    Mode = DeliveryMode.StalenessBudget,
                    StalenessBudget = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(milliseconds)),
                };
            default:
                result.AddError($"--delivery is '{text}': it must be every, freshest or budget:MS with MS above 0, e.g. budget:500.");
                return null;
        }
    }
}
