using System.CommandLine;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Fuzz;

/// <summary>What the program can be told to do.</summary>
internal static class FuzzCommandLine
{
    private const int DefaultSeconds = 60;
    private const int DefaultSeed = 20250131;

    public static RootCommand Create()
    {
        var root = new RootCommand("Feeds the parsers with mutated inputs and keeps what is neither read nor refused.");
        root.Add(RunCommand());
        root.Add(WorkerCommand());
        root.Add(ReplayCommand());
        return root;
    }

    private static Command RunCommand()
    {
        var targets = new Option<string[]>("--target") { HelpName = "NAME", Description = "Only this one; again for more. Default: all." };
        targets.AcceptOnlyFromAmong([.. FuzzTargets.All.Select(static target => target.Name)]);
        var seconds = new Option<int>("--seconds") { HelpName = "N", DefaultValueFactory = static _ => DefaultSeconds, Description = "For each target." };
        var seed = new Option<int>("--seed") { HelpName = "N", DefaultValueFactory = static _ => DefaultSeed, Description = "Of the mutations." };
        var distil = new Option<bool>("--distil") { Description = "Replace the corpus in the tree by the smallest of all inputs that together do what all of them do." };
        var command = new Command("run", "Fuzzes with coverage, each target in a process of its own.") { targets, seconds, seed, distil };
        command.SetAction(result =>
        {
            var wanted = result.GetValue(targets);
            var chosen = FuzzTargets.All.Where(target => wanted is not { Length: > 0 } || wanted.Contains(target.Name)).ToList();
            return Session.Run(chosen, TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(seed), result.GetValue(distil), result.InvocationConfiguration.Output);
        });
        return command;
    }

    private static Command WorkerCommand()
    {
        var target = new Argument<string>("TARGET");
        var seconds = new Option<double>("--seconds");
        var seed = new Option<int>("--seed");
        var state = new Option<string>("--state") { Required = true };
        var findings = new Option<string>("--findings") { Required = true };
        var distil = new Option<bool>("--distil");
        var command = new Command("worker") { target, seconds, seed, state, findings, distil };
        command.Hidden = true;
        command.SetAction(result => Worker.Run(
            FuzzTargets.Find(result.GetRequiredValue(target)),
            new FuzzBudget(TimeSpan.FromSeconds(result.GetValue(seconds)), Runs: null, result.GetValue(seed)),
            result.GetRequiredValue(state),
            result.GetRequiredValue(findings),
            result.GetValue(distil),
            result.InvocationConfiguration.Output));
        return command;
    }

    private static Command ReplayCommand()
    {
        var target = new Argument<string>("TARGET");
        target.AcceptOnlyFromAmong([.. FuzzTargets.All.Select(static known => known.Name)]);
        var file = new Argument<FileInfo>("FILE") { Description = "An input, for example a finding." };
        var command = new Command("replay", "Runs one input and shows what comes of it.") { target, file.AcceptExistingOnly() };
        command.SetAction(result =>
        {
            var finding = FuzzRun.Execute(FuzzTargets.Find(result.GetRequiredValue(target)), File.ReadAllBytes(result.GetRequiredValue(file).FullName));
            result.InvocationConfiguration.Output.WriteLine(finding?.Details ?? "read, or refused as it may be");
            return finding is null ? 0 : 1;
        });
        return command;
    }

    /// <summary>Where everything is that a run writes.</summary>
    public static string Artifacts => Path.Combine(TestData.RepositoryRoot, "artifacts", "fuzz");
}
