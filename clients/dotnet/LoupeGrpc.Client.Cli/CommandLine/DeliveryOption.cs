using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>Which frames are analysed when they come too fast.</summary>
internal static class DeliveryOption
{
    public static Option<DeliveryPolicy> Create() => new("--delivery")
    {
        Description = "Which frames are analysed when they come too fast: every, freshest or budget:MS. [default: every]",
        HelpName = "every|freshest|budget:MS",
        CustomParser = Parse,
    };

    private static DeliveryPolicy? Parse(ArgumentResult result)
    {
        const string budget = "budget:";
        var text = result.Tokens[0].Value;
        switch (text)
        {
            case "every":
                return new DeliveryPolicy { Mode = DeliveryMode.EveryFrame };
            case "freshest":
                return new DeliveryPolicy { Mode = DeliveryMode.Freshest };
            case not null when text.StartsWith(budget, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(budget.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var milliseconds)
                && milliseconds is > 0 and <= 3_600_000:
                return new DeliveryPolicy
                {
                    Mode = DeliveryMode.StalenessBudget,
                    StalenessBudget = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(milliseconds)),
                };
            default:
                result.AddError($"--delivery is '{text}': it must be every, freshest or budget:MS with MS above 0, e.g. budget:500.");
                return null;
        }
    }
}
