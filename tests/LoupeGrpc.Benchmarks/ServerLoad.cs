using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>load</c>: sessions of several kinds beside each other on a running server, and what each kind gets of it.</summary>
internal static partial class ServerLoad
{
    private static readonly Option<string> Server = new("--server")
    {
        HelpName = "URL",
        Description = "A server that runs already.",
        DefaultValueFactory = static _ => "http://127.0.0.1:5005",
    };

    private static readonly Option<int> Seconds = new("--seconds")
    {
        HelpName = "S",
        Description = "How long; the first fifth is not counted.",
        DefaultValueFactory = static _ => 20,
    };

    private static readonly Argument<Group[]> Groups = new("group")
    {
        HelpName = "NxDELIVERY:PICTURE[@FPS]",
        Description = "N sessions: every, freshest or budgetMS; a picture file or rawWIDTHxHEIGHT; without a rate as fast as the server takes them.",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = static result =>
        {
            List<Group> groups = [];
            foreach (var token in result.Tokens)
            {
                if (Group.Parse(token.Value) is not { } group)
                {
                    result.AddError($"'{token.Value}' is not of the form NxDELIVERY:PICTURE[@FPS], or has no such file.");
                    return [];
                }

                groups.Add(group);
            }

            return [.. groups];
        },
    };

    public static Command Create()
    {
        var command = new Command("load", "A mix of sessions on a running server: frames a second, their age, and what was dropped, for each kind.") { Groups, Server, Seconds };
        command.SetAction(static (result, cancellationToken) => RunAsync(
            result.GetValue(Groups)!, new Uri(result.GetValue(Server)!), TimeSpan.FromSeconds(result.GetValue(Seconds)), result.InvocationConfiguration.Output, cancellationToken));
        return command;
    }

    private static async Task RunAsync(Group[] groups, Uri server, TimeSpan duration, TextWriter output, CancellationToken cancellationToken)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = server });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var from = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds / 5 * Stopwatch.Frequency);
        var tallies = groups.Select(group => Enumerable.Range(0, group.Sessions).Select(_ => new Tally(from)).ToArray()).ToArray();
        stop.CancelAfter(duration);
        await Task.WhenAll(groups.SelectMany((group, i) => tallies[i].Select(tally => Task.Run(() => StreamAsync(client, group, tally, stop.Token), CancellationToken.None))));
        var seconds = duration.TotalSeconds * 0.8;
        double all = tallies.Sum(static group => group.Sum(static tally => tally.Ages.Count)) / seconds;
        output.WriteLine("group                         results/s  each/s  of all  p50 ms  p99 ms  max ms  dropped  failed");
        foreach (var (group, tally) in groups.Zip(tallies))
        {
            double[] ages = [.. tally.SelectMany(static one => one.Ages).Order()];
            double rate = ages.Length / seconds;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{group.Text,-29} {rate,9:F1} {rate / group.Sessions,7:F2} {rate / all,7:P0} {At(ages, 0.5),7:F0} {At(ages, 0.99),7:F0} {At(ages, 1),7:F0} {tally.Sum(static one => one.Dropped),8} {tally.Sum(static one => one.Failed),7}"));
        }
    }

    private static async Task StreamAsync(LoupeClient client, Group group, Tally tally, CancellationToken stop)
    {
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Delivery = group.Delivery, Reconnect = false }, CancellationToken.None);
        var reading = ReadAsync(session, tally);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            for (ulong id = 0; ; id++)
            {
                if (group.PerSecond > 0)
                {
                    var due = TimeSpan.FromSeconds(id / group.PerSecond) - Stopwatch.GetElapsedTime(begun);
                    if (due > TimeSpan.Zero)
                    {
                        await Task.Delay(due, stop);
                    }
                }

                // A camera's frame is as old as its picture, not as its transfer.
                tally.Sent(id);
                await session.SendAsync(group.Frame(id), stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What is under way is not counted.
        }

        tally.Stop();
        await session.DisposeAsync();
        await reading;
    }

    private static async Task ReadAsync(LoupeSession session, Tally tally)
    {
        await foreach (var outcome in session.Results(CancellationToken.None))
        {
            tally.Add(outcome);
        }
    }

    private static double At(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, share * sorted.Length)];

    private sealed partial record Group(string Text, int Sessions, DeliveryPolicy Delivery, ReadOnlyMemory<byte> Data, FrameFormat? Format, double PerSecond)
    {
        public static Group? Parse(string text)
        {
            if (Form().Match(text) is not { Success: true } match)
            {
                return null;
            }

            var delivery = match.Groups["mode"].Value switch
            {
                "every" => new DeliveryPolicy { Mode = DeliveryMode.EveryFrame },
                "freshest" => new DeliveryPolicy { Mode = DeliveryMode.Freshest },
                var budget => new DeliveryPolicy
                {
                    Mode = DeliveryMode.StalenessBudget,
                    StalenessBudget = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromMilliseconds(int.Parse(budget["budget".Length..], CultureInfo.InvariantCulture))),
                },
            };
            FrameFormat? format = null;
            byte[] data;
            if (match.Groups["width"].Success)
            {
                format = new FrameFormat { Width = Number("width"), Height = Number("height"), PixelFormat = PixelFormat.Bgr24 };
                data = new byte[format.Width * format.Height * 3];
                new Random(1).NextBytes(data);
            }
            else if (File.Exists(match.Groups["file"].Value))
            {
                data = File.ReadAllBytes(match.Groups["file"].Value);
            }
            else
            {
                return null;
            }

            double rate = match.Groups["fps"].Success ? double.Parse(match.Groups["fps"].Value, CultureInfo.InvariantCulture) : 0;
            return new Group(text.Replace(Path.GetDirectoryName(match.Groups["file"].Value) + "/", string.Empty, StringComparison.Ordinal), (int)Number("n"), delivery, data, format, rate);

            uint Number(string name) => uint.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
        }

        public LoupeFrame Frame(ulong id) =>
            Format is null ? new EncodedFrame(Data) { FrameId = id } : new RawFrame(Data, Format) { FrameId = id };

        [GeneratedRegex(@"^(?<n>\d+)x(?<mode>every|freshest|budget\d+):(raw(?<width>\d+)x(?<height>\d+)|(?<file>.+?))(@(?<fps>[\d.]+))?$")]
        private static partial Regex Form();
    }

    /// <summary>Of one session. Sent and read on two threads.</summary>
    private sealed class Tally(long from)
    {
        private readonly Queue<(ulong Id, long At)> _sent = [];
        private volatile bool _stopped;

        /// <summary>Milliseconds from sending to each result.</summary>
        public List<double> Ages { get; } = [];

        public int Dropped { get; private set; }

        public int Failed { get; private set; }

        /// <summary>What comes from now on is cut off by the end of the run.</summary>
        public void Stop() => _stopped = true;

        public void Sent(ulong id)
        {
            lock (_sent)
            {
                _sent.Enqueue((id, Stopwatch.GetTimestamp()));
            }
        }

        public void Add(LoupeOutcome outcome)
        {
            long at;
            lock (_sent)
            {
                while (_sent.Peek().Id != outcome.FrameId)
                {
                    _sent.Dequeue();
                }

                at = _sent.Dequeue().At;
            }

            if (_stopped || Stopwatch.GetTimestamp() < from)
            {
                return;
            }

            switch (outcome)
            {
                case LoupeResult:
                    Ages.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                    break;
                case LoupeDropped or LoupeExpired:
                    Dropped++;
                    break;
                default:
                    Failed++;
                    break;
            }
        }
    }
}
