using System.CommandLine;
using System.Globalization;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary><c>scale</c>: from what frames take of one server here to how many servers, how much network and how much of Redis a number of cameras wants.</summary>
internal sealed class ScaleCommand
{
    private readonly Option<string> _picture = new("--picture")
    {
        HelpName = "FILE",
        Description = "Each frame. Default: a JPEG of 1920 x 1080, 966 KiB.",
        DefaultValueFactory = static _ => TestData.Golden("preprocess", "rgb-1920x1080.jpg"),
    };

    private readonly Option<int> _frames = new("--frames") { HelpName = "N", Description = "Measured of each kind.", DefaultValueFactory = static _ => 200 };

    private readonly Option<double> _rate = new("--fps") { HelpName = "X", Description = "Of a camera.", DefaultValueFactory = static _ => 10 };

    private readonly Option<double> _utilisation = new("--utilisation")
    {
        HelpName = "SHARE",
        Description = "Of what a server can do, that it is to be given.",
        DefaultValueFactory = static _ => 0.7,
    };

    private readonly Option<double> _adapting = new("--adapting") { HelpName = "SHARE", Description = "Of the sessions, those that adapt.", DefaultValueFactory = static _ => 0.5 };

    private readonly Option<int> _interval = new("--checkpoint-interval") { HelpName = "N", Description = "Loupe:Sessions:CheckpointInterval.", DefaultValueFactory = static _ => 64 };

    private readonly Option<double[]> _encode = Device("--gpu-encode", "Assumed: a run of the encoder on a GPU, and each frame in it.", 2, 0.25);

    private readonly Option<double[]> _segment = Device("--gpu-segment", "Assumed: a run of the segmentor, and each frame in it.", 1, 0.1);

    private readonly Option<double> _step = new("--gpu-step") { HelpName = "MS", Description = "Assumed: a step of adaptation on a GPU.", DefaultValueFactory = static _ => 1 };

    private readonly Option<int> _batch = new("--gpu-batch") { HelpName = "N", Description = "Frames that share a run there (the last of Loupe:Execution:Buckets).", DefaultValueFactory = static _ => 8 };

    private readonly Option<int> _processors = new("--gpu-processors")
    {
        HelpName = "N",
        Description = "Beside a GPU, each as fast as one here.",
        DefaultValueFactory = static _ => 8,
    };

    private readonly Option<bool> _check = new("--check") { Description = "Instead: two real servers with half of this machine each, and what was predicted of them beside what they did." };

    private readonly Option<int> _seconds = new("--seconds") { HelpName = "S", Description = "Of each load; the first fifth is not counted.", DefaultValueFactory = static _ => 20 };

    public static Command Create()
    {
        var scale = new ScaleCommand();
        var command = new Command("scale", "How many servers a number of cameras wants, by a simulation with times measured on this machine and, for GPUs, assumed.")
        {
            scale._picture, scale._frames, scale._rate, scale._utilisation, scale._adapting, scale._interval, scale._encode, scale._segment, scale._step, scale._batch, scale._processors,
            scale._check, scale._seconds,
        };
        AtLeast(scale._frames, 20);
        AtLeast(scale._interval, 1);
        AtLeast(scale._batch, 1);
        AtLeast(scale._processors, 1);
        AtLeast(scale._seconds, 5);
        Within(scale._rate, 0.01, 1000);
        Within(scale._utilisation, 0.05, 0.99);
        Within(scale._adapting, 0, 1);
        Within(scale._step, 0, 10_000);
        scale._picture.AcceptLegalFilePathsOnly();
        command.SetAction(scale.RunAsync);
        return command;
    }

    private static Option<double[]> Device(string name, string description, params double[] byDefault) => new(name)
    {
        HelpName = "MS,MS",
        Description = description,
        DefaultValueFactory = _ => byDefault,
        CustomParser = result =>
        {
            var parts = result.Tokens.Single().Value.Split(',');
            if (parts.Length == 2 && Parse(parts[0]) is { } run && Parse(parts[1]) is { } frame && run + frame > 0)
            {
                return [run, frame];
            }

            result.AddError($"{name} is two numbers of milliseconds: of a run, and of each frame in it.");
            return byDefault;
        },
    };

    private static double? Parse(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < 100_000 ? number : null;

    private static void AtLeast(Option<int> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < least)
        {
            result.AddError($"{option.Name} must be {least} or more");
        }
    });

    private static void Within(Option<double> option, double least, double most) => option.Validators.Add(result =>
    {
        if (!(result.GetValueOrDefault<double>() is var value && value >= least && value <= most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be {least} to {most}"));
        }
    });

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var (output, error) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
        try
        {
            var file = result.GetRequiredValue(_picture);
            var picture = await File.ReadAllBytesAsync(file, cancellationToken);
            var frames = result.GetValue(_frames);
            if (result.GetValue(_check))
            {
                await new ScaleCheck(file, picture, frames, TimeSpan.FromSeconds(result.GetValue(_seconds)), output).RunAsync(cancellationToken);
                return 0;
            }

            var processors = Environment.ProcessorCount;
            ServiceTimes times;
            string served;
            double loaded, others;
            await using (var server = await ReplicaProcess.StartAsync(null, [], cancellationToken))
            {
                served = server.Description;
                var bystanders = new Bystanders(server);
                times = await ServiceTimes.MeasureAsync(server, processors, picture, frames, cancellationToken);
                var duration = TimeSpan.FromSeconds(result.GetValue(_seconds));
                var tallies = await ServerLoad.DriveAsync(server.Grpc, [ScaleCheck.Group(picture, 0)], duration, cancellationToken);
                loaded = tallies[0].Sum(static tally => tally.Ages.Count) / (duration.TotalSeconds * ServerLoad.CountedShare);
                others = bystanders.Processors;
            }

            var (encode, segment) = (result.GetRequiredValue(_encode), result.GetRequiredValue(_segment));
            var device = new DeviceTimes(new DeviceRun(encode[0] / 1000, encode[1] / 1000), new DeviceRun(segment[0] / 1000, segment[1] / 1000), result.GetValue(_step) / 1000, result.GetValue(_batch));
            new ScaleReport(output)
            {
                Times = times,
                Picture = $"{Path.GetFileName(file)}, {picture.Length / 1024} KiB",
                Served = served,
                Loaded = loaded,
                Others = others,
                Plans = [($"CPU, {processors} processors", new Replica(processors, times.Threads, null)), ($"GPU, {result.GetValue(_processors)} processors", new Replica(result.GetValue(_processors), 1, device))],
                Rate = result.GetValue(_rate),
                Utilisation = result.GetValue(_utilisation),
                Adapting = result.GetValue(_adapting),
                Interval = result.GetValue(_interval),
                Records = await StoreTraffic.MeasureAsync(picture, cancellationToken),
            }.Write();
            return 0;
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or UnauthorizedAccessException or Client.LoupeException)
        {
            await error.WriteLineAsync($"error: {exception.Message}");
            return 1;
        }
    }
}
