using System.CommandLine.Parsing;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>What options must be, alone and together.</summary>
internal static class OptionRules
{
    /// <param name="message">One sentence that names the option and its range.</param>
    public static void Require(this SymbolResult result, bool isRight, string message)
    {
        if (!isRight)
        {
            result.AddError(message);
        }
    }
}
