using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LoupeGrpc.Client;

namespace LoupeGrpc.Benchmarks;

/// <summary><c>load</c>: sessions of several kinds beside each other on a running server, and what each kind gets of it.</summary>
internal static class ServerLoad
{
    /// <summary>Of a run; what comes before it warms up.</summary>
    public const double CountedShare = 0.8;

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

    private static readonly Argument<LoadGroup[]> Groups = new("group")
    {
        HelpName = "NxDELIVERY:PICTURE[@FPS]",
        Description = "N sessions: every, freshest or budgetMS; a picture file or rawWIDTHxHEIGHT; without a rate as fast as the server takes them.",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = static result =>
        {
            List<LoadGroup> groups = [];
            foreach (var token in result.Tokens)
            {
                if (LoadGroup.Parse(token.Value) is not { } group)
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

    /// <summary>Sends for that long.</summary>
    /// <returns>What became of each session's frames, by group.</returns>
    public static async Task<LoadTally[][]> DriveAsync(Uri server, IReadOnlyList<LoadGroup> groups, TimeSpan duration, CancellationToken cancellationToken)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = server });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // All of them before the first frame: opening takes a while, which would shift their phases.
        var sessions = await Task.WhenAll(groups.SelectMany(static group => Enumerable.Repeat(group, group.Sessions))
            .Select(group => client.OpenSessionAsync(new LoupeSessionOptions { Delivery = group.Delivery, Mask = group.Mask, Reconnect = false }, cancellationToken)));
        var begun = Stopwatch.GetTimestamp();
        var from = begun + (long)(duration.TotalSeconds * (1 - CountedShare) * Stopwatch.Frequency);
        var tallies = groups.Select(group => Enumerable.Range(0, group.Sessions).Select(_ => new LoadTally(from)).ToArray()).ToArray();
        stop.CancelAfter(duration);
        var work = groups.SelectMany((group, i) => tallies[i].Zip(group.Phases, (tally, phase) => (Group: group, Tally: tally, Phase: phase))).Zip(sessions);
        await Task.WhenAll(work.Select(one => Task.Run(() => StreamAsync(one.Second, one.First.Group, begun, one.First.Phase, one.First.Tally, stop.Token), CancellationToken.None)));
        return tallies;
    }

    public static double At(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, share * sorted.Length)];

    private static async Task RunAsync(LoadGroup[] groups, Uri server, TimeSpan duration, TextWriter output, CancellationToken cancellationToken)
    {
        var tallies = await DriveAsync(server, groups, duration, cancellationToken);
        var seconds = duration.TotalSeconds * CountedShare;
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

    private static async Task StreamAsync(LoupeSession session, LoadGroup group, long begun, double phase, LoadTally tally, CancellationToken stop)
    {
        var reading = ReadAsync(session, tally);
        try
        {
            for (ulong id = 0; ; id++)
            {
                if (group.PerSecond > 0)
                {
                    var due = TimeSpan.FromSeconds(phase + (id / group.PerSecond)) - Stopwatch.GetElapsedTime(begun);
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

    private static async Task ReadAsync(LoupeSession session, LoadTally tally)
    {
        await foreach (var outcome in session.Results(CancellationToken.None))
        {
            tally.Add(outcome);
        }
    }
}
