using System.CommandLine;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Benching;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`bench`: how fast a server is under a load, as its clients see it.</summary>
internal static class BenchCommand
{
    private const int MaxStreams = 4096;
    private const int MaxWindow = 4096;
    private const double MaxRate = 1e6;
    private const double MaxSeconds = 86_400;

    public const string Lesson = """
        Examples:
          loupe-grpc-client bench                                    one stream, as fast as it goes
          loupe-grpc-client bench --streams 8 --window 4 --mask always --source frames/
          loupe-grpc-client bench --streams 8 --rate 40 --arrivals poisson --seconds 60 --plot latency.png
          loupe-grpc-client bench --streams 8 --rate 40 --json > before.json;   …   bench --streams 8 --rate 40 --compare before.json
          loupe-grpc-client bench --trace arrivals.txt               frames at the times of a recording, one number (seconds) a line

        Closed loop (without --rate and --trace): each stream keeps --window frames in flight, and sends the next one when an outcome comes. It finds out how
        many frames a second the server does. Open loop (--rate or --trace): frames are due at times of their own, as cameras have them, whether or not the
        server keeps up. It finds out how long they take at that rate. Latency counts from when a frame was due: what it waits because those before it were
        held up counts too (no coordinated omission). Frames that were due and never could be sent count with the time they had waited by the end.

        A trace has a number a line, or is what `stream --format jsonl` wrote (`time_s`); its first time is the start, and every stream follows it.

        Without --source the pictures are one JPEG of 1920 x 1080, made here. Percentiles are of an HdrHistogram with three digits. Server stages are means of
        what results say themselves (`timings`); age is from receipt to outcome at the server.

        With --json: {"started","server","model","execution","streams","window","load","rate","delivery","mask","adapts","warm_up_seconds","seconds","pictures",
        "picture_bytes","frames_per_second","outcomes":{"result","dropped","expired","failed","unsent"},"latency_ms":{"count","mean","p50","p90","p99","p99.9",
        "max"},"age_ms":{…},"lag_ms":{…},"server_stage_ms":{"queue","decode",…,"total"},"explained_ms":{"outside","server","stages"},"curve":[[percentile,ms]…]}.

        This program takes part of the machine it runs on. For figures of the server alone, run it on another.

        Exit codes:
          0    measured, whatever the figures are
          20   frames failed or a stream broke, or the plot could not be written
          2    wrong usage
          69   server unreachable
          70   internal error
          77   the server does not let us in: --key, --cert
          130  interrupted (Ctrl-C); what was measured by then is printed
        """;

    public static Command Create(CliHost host)
    {
        var streams = new Option<int>("--streams") { Description = $"Sessions side by side, 1 to {MaxStreams}.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var window = new Option<int?>("--window") { Description = "Closed loop: frames that each stream keeps in flight. [default: 4]", HelpName = "W" };
        var rate = new Option<double?>("--rate") { Description = "Open loop: frames a second of all streams together.", HelpName = "X" };
        var arrivals = new Option<string>("--arrivals") { Description = "With --rate: frames at even times, or as a Poisson process.", DefaultValueFactory = _ => "even" };
        arrivals.AcceptOnlyFromAmong("even", "poisson");
        var trace = new Option<string?>("--trace") { Description = "Open loop: frames at the times of a recording.", HelpName = "FILE" };
        var seed = new Option<int>("--seed") { Description = "Of --arrivals poisson.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var seconds = new Option<double>("--seconds") { Description = "How long is measured.", HelpName = "S", DefaultValueFactory = _ => 10 };
        var warmUp = new Option<double>("--warm-up") { Description = "Seconds before that, which do not count.", HelpName = "S", DefaultValueFactory = _ => 2 };
        var source = new Option<string?>("--source") { Description = "A picture or a folder of pictures to send over and over. [default: one made here]", HelpName = "PATH" };
        var mask = new MaskOption();
        var delivery = DeliveryOption.Create();
        var adapt = new Option<bool>("--adapt") { Description = "Sessions adapt, as the server would have it." };
        var model = new Option<string>("--model") { Description = "Which of the server's models is measured. [default: the server's first]", HelpName = "NAME", DefaultValueFactory = _ => "" };
        var json = new Option<bool>("--json") { Description = "One JSON object instead of lines for people." };
        var compare = new Option<string?>("--compare") { Description = "What an earlier run with --json wrote: figures beside its figures.", HelpName = "FILE.json" };
        var plot = new Option<string?>("--plot") { Description = "Draw latency by percentile as PNG or SVG, with --compare that of both runs.", HelpName = "FILE.png|FILE.svg" };
        var serve = new Option<bool>("--serve") { Description = "Start the server that lies beside this program (or on the PATH) for the time of the run, as `analyze --serve` does." };
        var server = new ServerOptions(host);
        var command = new Command("bench", "Measure how fast a server is under a load, as its clients see it.")
        {
            streams, window, rate, arrivals, trace, seed, seconds, warmUp, source, mask, delivery, adapt, model, json, compare, plot, serve,
        };
        server.AddTo(command);
        streams.Validators.Add(static result => result.Require(result.GetValueOrDefault<int>() is >= 1 and <= MaxStreams, $"--streams must be 1 to {MaxStreams}."));
        seconds.Validators.Add(static result => result.Require(result.GetValueOrDefault<double>() is > 0 and <= MaxSeconds, $"--seconds must be above 0, and {MaxSeconds:0} at most."));
        warmUp.Validators.Add(static result => result.Require(result.GetValueOrDefault<double>() is >= 0 and <= MaxSeconds, $"--warm-up must be 0 to {MaxSeconds:0} seconds."));
        command.Validators.Add(result =>
        {
            var isOpen = result.GetValue(rate) is not null || result.GetValue(trace) is not null;
            result.Require(result.GetValue(window) is null or (>= 1 and <= MaxWindow), $"--window must be 1 to {MaxWindow}.");
            result.Require(result.GetValue(window) is null || !isOpen, "--window is for the closed loop: leave it out with --rate and --trace.");
            result.Require(result.GetValue(rate) is null || result.GetValue(trace) is null, "--rate and --trace both say when frames come: give one of them.");
            result.Require(result.GetValue(rate) is null or (> 0 and <= MaxRate), $"--rate must be above 0, and {MaxRate:0} at most.");
            result.Require(result.GetResult(arrivals) is not { Implicit: false } || result.GetValue(rate) is not null, "--arrivals goes with --rate.");
            result.Require(result.GetValue(plot) is not { } file || PlotFormats.IsKnown(file), "--plot must end in .png or .svg.");
            result.Require(!result.GetValue(serve) || !ServerOptions.IsNamed(result), "--serve starts a server, --server names one that runs: give one of them.");
        });
        command.SetAction(async (result, _) =>
        {
            var picture = result.GetValue(plot) is { } file ? OutputFile.Reserve("--plot", file) : null;
            var earlier = result.GetValue(compare) is { } before ? BenchFigures.Read(before) : null;
            var times = result.GetValue(trace) is { } recording ? ArrivalTimes.Read(recording) : null;
            var reached = server.Read(result);
            await using var local = result.GetValue(serve) ? await LocalServer.StartAsync(host) : null;
            using var client = await LoupeClient.ConnectAsync(local is null ? reached : reached with { Address = local.Address }, host.Interrupt);
            var count = result.GetValue(streams);
            var plan = new BenchPlan
            {
                Streams = count,
                Window = result.GetValue(rate) is null && times is null ? result.GetValue(window) ?? 4 : null,
                Load = times is not null ? "trace" : result.GetValue(rate) is null ? "closed" : result.GetRequiredValue(arrivals),
                Rate = result.GetValue(rate),
                Arrivals = result.GetValue(rate) is { } wanted
                    ? result.GetRequiredValue(arrivals) == "even"
                        ? stream => ArrivalTimes.Even(wanted, stream, count)
                        : stream => ArrivalTimes.Poisson(wanted, stream, count, result.GetValue(seed))
                    : times is null ? null : _ => times,
                WarmUp = TimeSpan.FromSeconds(result.GetValue(warmUp)),
                Length = TimeSpan.FromSeconds(result.GetValue(seconds)),
                Pictures = result.GetValue(source) is { } path
                    ? await BenchPictures.LoadAsync(path, (await client.GetServerInfoAsync(host.Interrupt)).Limits ?? new Limits(), host.Interrupt)
                    : [BenchPictures.Make()],
                Delivery = result.GetValue(delivery) ?? new DeliveryPolicy { Mode = DeliveryMode.EveryFrame },
                Mask = mask.Read(result),
                Adapts = result.GetValue(adapt),
                Model = result.GetRequiredValue(model),
            };
            await host.Error.WriteLineAsync(Printable.Text(FormattableString.Invariant(
                $"{plan.WarmUp.TotalSeconds:0.#} s to warm up, {plan.Length.TotalSeconds:0.#} s to measure: {count} streams at {ServerOptions.Show(client.Address)}")));
            var run = new BenchRun(client, plan, host.Time);
            var figures = await run.RunAsync(host.Interrupt);
            await using (var output = host.CreateTextOutput())
            {
                foreach (var line in result.GetValue(json) ? [figures.ToJson()] : BenchText.Lines(figures, earlier).Select(Printable.Text))
                {
                    await output.WriteLineAsync(line);
                }
            }

            foreach (var problem in run.Faults.Concat(run.Failures.Select(static failure => $"{failure.Value} frames failed: {failure.Key}")))
            {
                await host.Error.WriteLineAsync(Printable.Text($"warning: {problem}"));
            }

            var isDrawn = picture is null || await DrawAsync(picture, figures, earlier, host);
            return (int)(host.Interrupt.IsCancellationRequested ? ExitCode.Interrupted
                : isDrawn && run.Faults.Count == 0 && run.Failures.Count == 0 ? ExitCode.NothingFound
                : ExitCode.SomeFailed);
        });
        return command;
    }

    private static async Task<bool> DrawAsync(OutputFile picture, BenchFigures figures, BenchFigures? earlier, CliHost host)
    {
        try
        {
            picture.Write(BenchPlot.Draw(earlier is null ? [("latency", figures)] : [("now", figures), ("then", earlier)], PlotFormats.IsSvg(picture.Path)));
            await host.Error.WriteLineAsync(Printable.Text($"plot written to {picture.Path}"));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await host.Error.WriteLineAsync(Printable.Text($"error: no plot in {picture.Path}: {FileErrors.Reason(error)}"));
            return false;
        }
    }
}
