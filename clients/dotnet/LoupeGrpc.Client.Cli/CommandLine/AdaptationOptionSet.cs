using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options of `stream` that are about test-time adaptation.</summary>
internal sealed class AdaptationOptionSet
{
    private readonly Option<bool> _adapt = new("--adapt")
    {
        Description = "Let the session's segmentation head learn from the classifier's patch predictions while frames pass; shows step, drift and loss.",
    };

    private readonly Option<double> _learningRate = new("--learning-rate")
    {
        Description = "Of the adaptation, above 0, at most 0.1. With --adapt. [default: the server's, 0.0005]",
        HelpName = "X",
    };

    private readonly Option<uint> _dual = new("--dual")
    {
        Description = "Compute the mask without adaptation too, for each N-th frame, and show on how much of the picture they differ. With --adapt. [default: never; 1 without N]",
        HelpName = "N",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = ParseDual,
    };

    private readonly Option<string?> _snapshot = new("--snapshot")
    {
        Description = "Save the adaptation state to FILE at the end, also after Ctrl-C. With --adapt.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Begin from the state that --snapshot saved, of the same model. Implies --adapt.",
        HelpName = "FILE",
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
        Option[] dependent = [_learningRate, _dual, _snapshot];
        command.Add(_adapt);
        command.Add(_resume);
        Array.ForEach(dependent, command.Add);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(_adapt) && result.GetResult(_resume) is null && Array.Find(dependent, option => result.GetResult(option) is not null) is { } lonely)
            {
                result.AddError($"{lonely.Name} needs --adapt.");
            }
        });
    }

    public AdaptationArguments Read(ParseResult result)
    {
        var resume = result.GetValue(_resume);
        var settings = result.GetValue(_adapt) || resume is not null
            ? new AdaptationSettings
            {
                Enabled = true,
                LearningRate = result.GetValue(_learningRate),
                DualVerdictEveryNth = result.GetValue(_dual),
            }
            : null;
        return new AdaptationArguments(settings, result.GetValue(_snapshot), resume);
    }

    private static uint ParseDual(ArgumentResult result)
    {
        if (result.Tokens.Count == 0)
        {
            return 1;
        }

        if (uint.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var everyNth) && everyNth > 0)
        {
            return everyNth;
        }

        result.AddError($"--dual is '{result.Tokens[0].Value}': it must be a number of 1 or more, or stand behind SOURCE without one.");
        return 0;
    }
}
