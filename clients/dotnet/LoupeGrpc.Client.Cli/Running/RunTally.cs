using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>Counts what became of the inputs, and says what that means for the exit code.</summary>
internal sealed class RunTally : IOutcomeSink
{
    private bool _foundEarlier;

    public long Manipulated { get; private set; }

    public long Uncertain { get; private set; }

    public long Authentic { get; private set; }

    public long Dropped { get; private set; }

    public long Expired { get; private set; }

    public long Failed { get; private set; }

    public long Results => Manipulated + Uncertain + Authentic;

    public long Total => Results + Dropped + Expired + Failed + Skipped;

    /// <summary>Passed over because an earlier run had analysed them.</summary>
    public long Skipped { get; private set; }

    /// <summary>Inputs that nobody meant to leave out: failed, or dropped because the session ended first.</summary>
    public long NotAnalysed { get; private set; }

    /// <summary>Each of these by its name, as programs are told it.</summary>
    public IReadOnlyDictionary<string, long> Outcomes => new Dictionary<string, long>
    {
        ["authentic"] = Authentic,
        ["dropped"] = Dropped,
        ["expired"] = Expired,
        ["failed"] = Failed,
        ["manipulated"] = Manipulated,
        ["skipped"] = Skipped,
        ["uncertain"] = Uncertain,
    };

    public ExitCode ExitCode => NotAnalysed > 0 ? ExitCode.SomeFailed : Manipulated > 0 || _foundEarlier ? ExitCode.Manipulated : ExitCode.NothingFound;

    /// <summary>A run in two parts says what one in one part would have said.</summary>
    public void Skip(DoneInput done)
    {
        Skipped++;
        _foundEarlier |= done.Verdict == Verdict.Manipulated;
    }

    public void Write(OutcomeRow row)
    {
        switch (row.Outcome)
        {
            case LoupeResult { Result.Verdict: Verdict.Manipulated }:
                Manipulated++;
                break;
            case LoupeResult { Result.Verdict: Verdict.Authentic }:
                Authentic++;
                break;
            case LoupeResult:
                Uncertain++;
                break;
            case LoupeDropped dropped:
                Dropped++;
                NotAnalysed += dropped.Reason == DropReason.SessionEnded ? 1 : 0;
                break;
            case LoupeExpired:
                Expired++;
                break;
            case LoupeFailed:
                Failed += row.Item.Frames;
                NotAnalysed += row.Item.Frames;
                break;
        }
    }
}
