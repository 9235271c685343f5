using System.Text.RegularExpressions;

namespace LoupeGrpc.Engine.Execution;

/// <summary>What ONNX Runtime means by an exception.</summary>
internal static partial class OrtMessage
{
    /// <summary>The innermost message in one line, without codes, names of nodes, source files and function names.</summary>
    public static string Of(Exception exception)
    {
        var message = Whitespace().Replace(exception.Message, " ").Trim();
        if (Nested().Matches(message) is { Count: > 0 } nested)
        {
            message = message[(nested[^1].Index + nested[^1].Length)..];
        }

        return Origin().Replace(message, string.Empty);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();

    [GeneratedRegex(@"\[ONNXRuntimeError\] : \d+ : \w+ : |Status Message: ")]
    private static partial Regex Nested();

    [GeneratedRegex(@"^(\[ErrorCode:\w+\] )?(\S+\.(cc|h|cpp|cu):\d+ )?")]
    private static partial Regex Origin();
}
