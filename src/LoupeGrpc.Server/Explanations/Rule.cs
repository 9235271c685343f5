namespace LoupeGrpc.Server.Explanations;

/// <summary>When there is something to say.</summary>
/// <param name="Look">The numbers of the fact; null where it is none.</param>
internal sealed record Rule(ExplanationCode Code, Func<Finding, IReadOnlyList<Number>?> Look)
{
    /// <summary>Of a fact without numbers.</summary>
    public static Rule When(ExplanationCode code, Func<Finding, bool> isSo) => new(code, finding => isSo(finding) ? [] : null);
}
