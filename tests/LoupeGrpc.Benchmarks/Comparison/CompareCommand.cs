using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Comparison;

/// <summary><c>compare</c>: this server beside the Python server of <c>peer/</c>, on the same weights and pictures, in turn within one run.</summary>
internal sealed class CompareCommand
{
    private static readonly int[] Streams = [8, 1];
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Option<string> _python = new("--python") { HelpName = "FILE", Description = "Interpreter that has what the peer imports.", Required = true };

    private readonly Option<string> _model = new("--model") { HelpName = "DIR", Description = "Package that this server runs, and the peer too unless it has an export.", Required = true };

    private readonly Option<string?> _export = new("--export") { HelpName = "FILE", Description = "The same model as one plain ONNX file, for the peer." };

    private readonly Option<int> _threads = new("--peer-threads") { HelpName = "N", Description = "Inside one run of the peer; 0: as many as cores." };

    private readonly Option<int> _seconds = new("--seconds")
    {
        HelpName = "S",
        Description = "Of each round of each server; the first fifth is not counted.",
        DefaultValueFactory = static _ => 10,
    };

    private readonly Option<int> _rounds = new("--rounds") { HelpName = "N", Description = "Of both servers, in turn.", DefaultValueFactory = static _ => 3 };

    private readonly Option<string?> _json = new("--json") { HelpName = "FILE", Description = "Gets the figures too." };

    private readonly Argument<string[]> _settings = new("SETTING") { Description = "Of this server, as its command line takes them; behind --." };

    public static Command Create()
    {
        var compare = new CompareCommand();
        var command = new Command("compare", "This server beside a Python server on the same weights: ./bench.sh prepares what it needs.")
        {
            compare._python, compare._model, compare._export, compare._threads, compare._seconds, compare._rounds, compare._json, compare._settings,
        };
        command.SetAction(compare.RunAsync);
        return command;
    }

    private async Task RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        OpenCv.Initialize();
        var output = result.InvocationConfiguration.Output;
        var pictures = Pictures.Create().Select(static picture => ByteString.CopyFrom(picture)).ToList();
        var model = result.GetRequiredValue(_model);
        var export = result.GetValue(_export);
        await using var own = await ServerProcess.StartAsync(
            new ProcessStartInfo(
                Path.Combine(TestData.RepositoryRoot, "out", "loupe-grpc-server"),
                ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off", "--model", model, .. result.GetRequiredValue(_settings)]),
            cancellationToken);
        await using var peer = await ServerProcess.StartAsync(
            new ProcessStartInfo(
                result.GetRequiredValue(_python),
                [
                    Path.Combine(TestData.RepositoryRoot, "tests", "LoupeGrpc.Benchmarks", "peer", "server.py"),
                    "--model", export ?? model, "--threads", result.GetValue(_threads).ToString(CultureInfo.InvariantCulture),
                ]),
            cancellationToken);
        Contestant[] both = [new("loupe", own), new("peer", peer)];

        var agreement = Agreement.Of(await both[0].AnswersAsync(pictures, cancellationToken), await both[1].AnswersAsync(pictures, cancellationToken));
        var duration = TimeSpan.FromSeconds(result.GetValue(_seconds));
        foreach (var one in both)
        {
            // .NET compiles anew what runs often, once: seconds of it.
            await one.WarmUpAsync(Streams[0], pictures, duration, cancellationToken);
        }

        for (int round = 0; round < result.GetValue(_rounds); round++)
        {
            foreach (int streams in Streams)
            {
                foreach (var one in both)
                {
                    await one.RunAsync(streams, pictures, duration, cancellationToken);
                }
            }
        }

        var machine = Scaling.Machine.Describe();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{machine}. {pictures.Count} JPEGs of 1920 x 1080, {pictures.Average(static picture => picture.Length) / 1000:F0} kB on average, a mask for each; {result.GetValue(_rounds)} rounds of {duration.TotalSeconds:F0} s, in turn."));
        output.WriteLine($"loupe: {both[0].Ready} {string.Join(' ', result.GetRequiredValue(_settings))}");
        output.WriteLine($"peer: {both[1].Ready} on {(export is null ? "the graphs of this project's converter" : "a plain export")}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"answers: scores differ by at most {agreement.Score:G2}, masks by at most {agreement.Pixels:P3} of the pixels"));
        output.WriteLine();
        output.WriteLine("streams  server   frames/s  CPU ms a frame   p50 ms   p99 ms  RSS MiB  others' cores");
        foreach (int streams in Streams)
        {
            var (ours, theirs) = (both[0].Of(streams), both[1].Of(streams));
            Row(output, streams, both[0].Name, ours);
            Row(output, streams, both[1].Name, theirs);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{streams,7}  {"ratio",-7} {ours.FramesPerSecond / theirs.FramesPerSecond,9:F2} {ours.ProcessorMilliseconds / theirs.ProcessorMilliseconds,15:F2} {ours.P50 / theirs.P50,8:F2} {ours.P99 / theirs.P99,8:F2} {ours.ResidentMebibytes / theirs.ResidentMebibytes,8:F2}"));
        }

        if (result.GetValue(_json) is { } file)
        {
            var figures = Streams.ToDictionary(static streams => $"streams_{streams}", streams => both.ToDictionary(static one => one.Name, one => one.Of(streams)));
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { machine, agreement, figures }, Indented) + "\n", cancellationToken);
        }
    }

    private static void Row(TextWriter output, int streams, string name, Figures figures) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{streams,7}  {name,-7} {figures.FramesPerSecond,9:F1} {figures.ProcessorMilliseconds,15:F1} {figures.P50,8:F1} {figures.P99,8:F1} {figures.ResidentMebibytes,8:F0} {figures.Others,14:F2}"));

    /// <summary>How far the two servers' answers to the same pictures are from each other, at most.</summary>
    /// <param name="Pixels">Share of a mask's that differ.</param>
    private sealed record Agreement(double Score, double Pixels)
    {
        public static Agreement Of(IReadOnlyList<FrameResult> one, IReadOnlyList<FrameResult> other) => new(
            one.Zip(other).Max(static pair => Math.Abs(pair.First.Score - pair.Second.Score)),
            one.Zip(other).Max(static pair => Difference(pair.First.Mask.Rle, pair.Second.Mask.Rle)));

        private static double Difference(CocoRle one, CocoRle other)
        {
            var (a, b) = (CocoRleDecoder.Decode(one).Pixels, CocoRleDecoder.Decode(other).Pixels);
            return a.Zip(b).Count(static pair => pair.First != pair.Second) / (double)a.Length;
        }
    }
}
