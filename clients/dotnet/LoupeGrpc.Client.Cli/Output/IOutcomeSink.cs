namespace LoupeGrpc.Client.Cli.Output;

/// <summary>Takes the rows of a run, one after the other, in input order.</summary>
internal interface IOutcomeSink
{
    void Write(OutcomeRow row);
}
