using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>Has the pictures of a list analysed by a server, one run for each condition.</summary>
/// <param name="host">The process.</param>
/// <param name="client">The server.</param>
/// <param name="cases">The list.</param>
/// <param name="model">Which of the server's models; empty: its first.</param>
/// <param name="tiles">Whether pictures are looked at in tiles.</param>
/// <param name="wantsMasks">Masks are wanted of pictures whose truth has none, too.</param>
/// <param name="display">What people see.</param>
internal sealed class ServerJudgement(CliHost host, LoupeClient client, IReadOnlyList<TruthCase> cases, string model, TileSettings tiles, bool wantsMasks, RunDisplay display)
{
    /// <summary>What the last run was given; null before.</summary>
    public SessionGrant? Grant { get; private set; }

    /// <summary>The last run was ended because the server does not let us in any more.</summary>
    public bool IsRefused { get; private set; }

    /// <param name="perturbation">What is done to the pictures first; null: nothing.</param>
    /// <param name="seed">Of the noise.</param>
    public async Task<JudgedSet> RunAsync(Perturbation? perturbation, int seed)
    {
        var sink = new JudgingSink(cases, perturbation?.Scales == true, display, new RunTally());
        var items = cases.Select((truth, index) => ToItem(PathExpander.ToItem(truth.Path), perturbation, seed + index)).ToList();
        var isFirst = Grant is null;
        await using var source = new ItemListSource("evaluate", items);
        var report = await display.ShowAsync(source.Count, adapts: false, () =>
        {
            // What the server says of itself is said once.
            var run = new AnalysisRun(source, [sink], keepFrames: false, host, message => Tell(message, isFirst)) { Opened = grant => Grant = grant };
            return run.RunAsync(client, new LoupeSessionOptions
            {
                Name = "evaluate",
                Mask = new MaskSettings
                {
                    Policy = wantsMasks || cases.Any(static truth => truth is { IsForged: true, Mask: not null }) ? MaskPolicy.Always : MaskPolicy.Never,
                    Encoding = MaskEncoding.Rle,
                },
                Tiles = tiles,
                Model = model,
            });
        });
        IsRefused |= report.IsRefused;
        return sink.Judged;
    }

    private void Tell(string message, bool isFirst)
    {
        if (isFirst || !message.StartsWith("note: ", StringComparison.Ordinal))
        {
            display.Notify(message);
        }
    }

    private static SourceItem ToItem(FileItem file, Perturbation? perturbation, int seed) => perturbation is null
        ? file
        : new PerturbedItem(file, perturbation, seed) { Path = file.Path, Name = file.Name };
}
