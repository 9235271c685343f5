using System.CommandLine;
using System.CommandLine.Parsing;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
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
          loupe-grpc-client stream interview.mp4 --temporal on --plot interview.svg
          loupe-grpc-client stream drone-4k.mp4 --fps 5 --tiles auto --tiles-per-frame 24
          loupe-grpc-client stream camera:0 --delivery freshest
          loupe-grpc-client stream rtsp://user:password@10.0.0.7/live --delivery budget:500 --session gate-3 --format jsonl
          loupe-grpc-client stream frames/ --fps 30 --save-overlays
          loupe-grpc-client stream clip.avi --adapt --snapshot gate.state --plot gate.svg
          loupe-grpc-client stream interview.mp4 --fps 2 --report interview.html
          loupe-grpc-client stream next.avi --resume gate.state --dual 10 --format jsonl
          loupe-grpc-client stream rtsp://10.0.0.7/live --events mqtt://broker/loupe/gate-3
          loupe-grpc-client stream rtsp://10.0.0.7/live --events webhook:https://example.org/hook
          ffmpeg -i rtsp://10.0.0.7/live -f rawvideo -pix_fmt nv12 -s 1280x720 -r 10 - | loupe-grpc-client stream - --raw nv12:1280x720@10
          gst-launch-1.0 … ! fdsink | loupe-grpc-client stream - --raw nv12:1280x720@30

        SOURCE is a video file, camera:N (N from 0, Linux's /dev/videoN), a network stream (rtsp, rtmp, http, HLS, MJPEG, srt, udp), a folder of
        frames in natural order of their names (1, 2, 10), or - for standard input: a container such as NUT or Matroska, or with --raw plain pixels.
        A name that a file has is that file. A live stream that breaks is opened again, with growing pauses; a recording ends where it ends.
        User and password are never shown by this program; who may list the processes of this machine sees them, as on any command line.

        Videos, cameras and network streams are read by the programs ffmpeg and ffprobe, 4.4 or newer (Debian, Ubuntu: apt-get install ffmpeg);
        folders of frames and --raw need neither. Frames that a source should have and does not give, and frames that are made of damaged data, are
        FAILED with code UNREADABLE, in their place, and make the exit code 20. Of damage that leaves no trace in a codec nothing can be known.

        When the connection to the server breaks, the stream goes on with another, as long as the server keeps the session.

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

        With --temporal frames are judged together too: scores are averaged over a window of a second (Loupe:Temporal of the server), and the stream is
        manipulated from where they reach the upper threshold to where they fall below the lower one. A scene cut begins anew. The frames' own scores and
        verdicts stay as they are; "temporal" in the JSON, and at the end of the run segments with the frames to look at.

        With --tiles frames are not resized to the model's input, which in a large video leaves nothing of small traces, but looked at in tiles. Each frame shows
        --tiles-per-frame of them, spread evenly, and the next frame others, until every tile was shown. SCORE is that of the tiles of the last frames:
        "tiles" in the JSON names them ("window": frames, and tiles of this frame). A scene cut, and frames of another size, begin anew.

        --events tells a webhook or an MQTT broker what is found: when the stream begins and ends, when it begins and ends to be manipulated (over time,
        with --temporal; else frame by frame), and when frames are lost; with --events-of results each outcome too, as --format jsonl has it. Events are
        CloudEvents 1.0 in JSON. A webhook gets each as a POST with the headers of Standard Webhooks, MQTT at TOPIC with QoS 1, and TOPIC/available is
        "online" or "offline". An event is in the outbox, a file, before its row is printed, and stays there until the receiver has it: what a killed
        run leaves is sent by the next one with the same outbox. Each event arrives at least once, in order; the same "id" is the same event. While
        the receiver is away the analysis goes on. At the end the run waits for it --events-wait seconds and says how many events remain; the exit code is then 20.
        docs/events.md says more.

        --plot draws score and mask area, with --adapt loss and drift too, over the frames' time (over their number for a folder), and marks
        where the guard stepped in.

        --report writes what `analyze --report` does (see its --help), with the timeline of the stream: score, mask area and what happened. A page has the
        first 2,000 frames, then those that are suspected or failed, 20,000 in all; its counts and its timeline have all of them.

        TIME is the frame's time in the stream, in seconds: for cameras and network streams since the first frame.
        The other columns, and the fields of --format jsonl, are those of `analyze`, with "path" the source, "time_s" its time,
        and for a folder "source" the frame's own file.

        {{TeachingHelp.ExitCodes}}
        """;

    public static Command Create(CliHost host)
    {
        var source = new Argument<string>("SOURCE") { Description = "Video file, camera:N, rtsp://…, a folder of frames, or - for standard input." };
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
        var delivery = DeliveryOption.Create();
        var without = new Option<IReadOnlyList<Economy>>("--go-without")
        {
            Description = "What frames may go without while some would be lost, in this order: adaptation (its step), dual (its base mask), mask. "
                + "Results say what they went without. [default: nothing, frames are dropped]",
            HelpName = "adaptation,dual,mask",
            CustomParser = ParseEconomies,
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
        plot.Validators.Add(result => result.Require(
            result.GetValueOrDefault<string?>() is not { } file || PlotFormats.IsKnown(file),
            $"--plot is '{result.GetValueOrDefault<string?>()}': its name must end in .png or .svg."));
        fps.Validators.Add(result => result.Require(result.GetValueOrDefault<double?>() is not (<= 0 or > 1000), "--fps must be above 0, at most 1000."));
        maxFrames.Validators.Add(result => result.Require(result.GetValueOrDefault<long?>() is not < 1, "--max-frames must be 1 or more."));
        var readTimeout = new Option<double>("--read-timeout")
        {
            Description = "A source that gives nothing for so many seconds is broken, 0.1 to 3600.",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => VideoOptions.Default.ReadTimeout.TotalSeconds,
        };
        var rtspTransport = new Option<string>("--rtsp-transport")
        {
            Description = "How frames of rtsp:// come.",
            DefaultValueFactory = _ => VideoOptions.Default.RtspTransport,
        }.AcceptOnlyFromAmong("tcp", "udp", "http");
        var hwaccel = new Option<string?>("--hwaccel")
        {
            Description = "Decode with the hardware that ffmpeg calls NAME, e.g. cuda, vaapi, qsv; `ffmpeg -hwaccels` lists them. [default: on the CPU]",
            HelpName = "NAME",
        };
        var raw = new Option<RawLayout?>("--raw")
        {
            Description = $"Standard input is pixels without a container: {RawLayout.Forms}. Without FPS frames have the time of their arrival. With SOURCE -.",
            HelpName = "FORMAT:WxH[@FPS]",
            CustomParser = ParseRaw,
        };
        hwaccel.Validators.Add(result => result.Require(
            result.GetValueOrDefault<string?>() is not { } name || (name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')),
            $"--hwaccel is '{result.GetValueOrDefault<string?>()}': it must be a name that `ffmpeg -hwaccels` lists."));
        readTimeout.Validators.Add(result => result.Require(result.GetValueOrDefault<double>() is >= 0.1 and <= 3600, "--read-timeout must be 0.1 to 3600 seconds."));
        session.Validators.Add(result => result.Require(result.GetValueOrDefault<string?>() is not { Length: > 128 }, "--session must have at most 128 characters."));
        session.Validators.Add(result => result.Require(
            result.GetValueOrDefault<string?>() is not { } name || Printable.Text(name) == name,
            "--session holds characters that would drive the terminal of whoever lists sessions."));

        var options = new AnalysisOptionSet(host, "Folder for overlays and masks.", explains: false);
        var command = new Command("stream", "Analyse a video, a camera or a folder of frames, frame by frame.") { source, fps, maxFrames, delivery, without, session };
        options.AddTo(command);
        var adaptation = new AdaptationOptionSet();
        adaptation.AddTo(command);
        var temporal = new TemporalOption();
        temporal.AddTo(command);
        var tiles = new StreamTileOptionSet();
        tiles.AddTo(command);
        var events = new EventOptionSet();
        events.AddTo(command);
        command.Add(plot);
        command.Add(readTimeout);
        command.Add(rtspTransport);
        command.Add(hwaccel);
        command.Add(raw);
        command.Validators.Add(result =>
        {
            if (result.GetResult(raw) is not null && result.GetResult(source) is { Tokens: [{ Value: not "-" }] })
            {
                result.AddError("--raw describes standard input: SOURCE must be -.");
            }
        });
        command.SetAction(async (result, _) =>
        {
            var address = SourceAddress.Parse(result.GetRequiredValue(source));
            var policy = result.GetValue(delivery) ?? new DeliveryPolicy { Mode = DeliveryMode.EveryFrame };
            var sampling = new SamplingOptions(result.GetValue(fps), result.GetValue(maxFrames) ?? long.MaxValue, host.Time);
            var video = new VideoOptions(
                result.GetValue(hwaccel), result.GetRequiredValue(rtspTransport), TimeSpan.FromSeconds(result.GetValue(readTimeout)));
            var layout = result.GetValue(raw);
            var name = result.GetValue(session) ?? Printable.Text(Shorten(address.Label));
            var analysis = options.Read(result) with { Tiles = tiles.Read(result) };
            analysis = analysis with { Events = events.Read(result, name, analysis.Output) };
            if (layout is { Format.PixelFormat: not PixelFormat.Bgr24 } && analysis.SaveOverlays)
            {
                throw CliException.Usage("--save-overlays paints on bgr24 only: leave it out, or give --raw bgr24:WxH");
            }

            var adapts = adaptation.Read(result);
            if (analysis.Tiles is not null && adapts.Settings is not null)
            {
                throw CliException.Usage("--tiles is not for sessions that adapt, whose frames are looked at whole: leave it or --adapt out");
            }

            var checkpoints = new Checkpoints(adapts.SnapshotFile, adapts.ResumeFile);
            var extras = new StreamExtras(checkpoints, result.GetValue(plot) is { } file ? OutputFile.Reserve("--plot", file) : null, temporal.Read(result));
            return (int)await new AnalysisCommand(host, analysis, extras).RunAsync(
                async (keepFrames, notify) =>
                {
                    var factory = new StreamSourceFactory(sampling, video, keepFrames, notify) { Raw = layout, Input = host.Input };
                    var opened = await factory.OpenAsync(address, host.Interrupt);
                    return policy.Mode == DeliveryMode.EveryFrame || opened is LiveSource or RawSource ? opened : new PacedSource(opened, host.Time);
                },
                new LoupeSessionOptions
                {
                    Name = name,
                    Delivery = policy,
                    Economies = result.GetValue(without) ?? [],
                    Adaptation = adapts.Settings,
                    AdaptationSnapshot = checkpoints.Initial,
                });
        });
        return command;
    }

    private static string Shorten(string label) => label.Length <= 128 ? label : label[^128..];

    private static RawLayout? ParseRaw(ArgumentResult result)
    {
        var layout = RawLayout.Parse(result.Tokens[0].Value);
        if (layout is null)
        {
            result.AddError($"--raw is '{result.Tokens[0].Value}': it must be {RawLayout.Forms}; width and height of nv12 and i420, and the width of yuyv, are even.");
        }

        return layout;
    }

    private static List<Economy> ParseEconomies(ArgumentResult result)
    {
        var economies = new List<Economy>();
        foreach (var word in result.Tokens.SelectMany(static token => token.Value.Split(',')))
        {
            switch (word)
            {
                case "adaptation":
                    economies.Add(Economy.NoAdaptationStep);
                    break;
                case "dual":
                    economies.Add(Economy.NoDualVerdict);
                    break;
                case "mask":
                    economies.Add(Economy.NoMask);
                    break;
                default:
                    result.AddError($"--go-without is '{word}': it must be some of adaptation, dual and mask, with commas between.");
                    break;
            }
        }

        return economies;
    }
}
