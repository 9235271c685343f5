using System.CommandLine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options of `stream` that are about test-time adaptation.</summary>
internal sealed class AdaptationOptionSet
{
    private readonly Option<bool> _adapt = new("--adapt")
    {
        Description = "Let the session's segmentation head learn from the classifier's patch predictions while frames pass.",
    };

    private readonly Option<double> _learningRate = new("--learning-rate")
    {
        Description = "Of the adaptation, above 0, at most 0.1. With --adapt. [default: the server's, 0.0005]",
        HelpName = "X",
    };

    private readonly Option<uint> _dual = new("--dual")
    {
        Description = "Compute the mask without adaptation too for each N-th frame; its difference is in the JSON. With --adapt. [default: never]",
        HelpName = "N",
    };

    public AdaptationOptionSet()
    {
        _learningRate.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 0.1))
            {
                result.AddError("--learning-rate must be above 0, at most 0.1.");
            }
        });
    }

    public void AddTo(Command command)
    {
        command.Add(_adapt);
        command.Add(_learningRate);
        command.Add(_dual);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(_adapt) && (result.GetResult(_learningRate) is not null || result.GetResult(_dual) is not null))
            {
                result.AddError("--learning-rate and --dual need --adapt.");
            }
        });
    }

    /// <returns>Null: without adaptation.</returns>
    public AdaptationSettings? Read(ParseResult result) => !result.GetValue(_adapt)
        ? null
        : new AdaptationSettings
        {
            Enabled = true,
            LearningRate = result.GetValue(_learningRate),
            DualVerdictEveryNth = result.GetValue(_dual),
        };
}
