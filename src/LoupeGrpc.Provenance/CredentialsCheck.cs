namespace LoupeGrpc.Provenance;

/// <summary>What came of one check. Immutable.</summary>
/// <param name="Reason">For people: why it does not hold, why it was not judged, or with what restriction it holds. Empty: there is nothing to add.</param>
public readonly record struct CredentialsCheck(CheckResult Result, string Reason)
{
    internal static CredentialsCheck Holds { get; } = new(CheckResult.Holds, string.Empty);

    internal static CredentialsCheck Fails(string reason) => new(CheckResult.Fails, reason);

    internal static CredentialsCheck NotJudged(string reason) => new(CheckResult.NotJudged, reason);
}

/// <summary>How a check ended.</summary>
public enum CheckResult
{
    /// <summary>It could not be made; says nothing for or against.</summary>
    NotJudged,
    Holds,
    Fails,
}
