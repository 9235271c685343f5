namespace LoupeGrpc.Fuzz;

/// <summary>An input that a parser neither reads nor refuses.</summary>
/// <param name="Kind">The same for inputs that fail in the same place.</param>
/// <param name="Details">For people.</param>
internal sealed record Finding(string Kind, string Details, byte[] Input)
{
    public static Finding Of(Exception exception, byte[] input)
    {
        var place = exception.StackTrace?.Split('\n').FirstOrDefault(static line => line.Contains("LoupeGrpc.", StringComparison.Ordinal) && !line.Contains("LoupeGrpc.Fuzz.", StringComparison.Ordinal))?.Trim();
        return new Finding($"{exception.GetType().Name} {place}", exception.ToString(), input);
    }
}
