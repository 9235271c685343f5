using LoupeGrpc.Provenance;

namespace LoupeGrpc.Server.Explanations;

/// <summary>What the Content Credentials in the file are worth, and what they claim. They tell where a picture comes from, not whether it was forged: no rule here looks at the score.</summary>
internal static class CredentialsRules
{
    // Of IPTC's terms those that say how a picture came about.
    private static readonly string[] Generated = ["trainedAlgorithmicMedia"];
    private static readonly string[] Composite = ["compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"];
    private static readonly string[] Captured = ["digitalCapture", "computationalCapture"];

    public static IReadOnlyList<Rule> All { get; } =
    [
        Rule.When(ExplanationCode.CredentialsHold, static finding => Of(finding) is { } credentials && Holds(credentials)),
        Rule.When(ExplanationCode.CredentialsOfOtherBytes, static finding => Of(finding)?.Binding.Result == CheckResult.Fails),
        Rule.When(ExplanationCode.CredentialsChanged, static finding => Of(finding) is { } credentials && (credentials.Signature.Result == CheckResult.Fails || credentials.Assertions.Result == CheckResult.Fails)),
        Rule.When(ExplanationCode.CredentialsUnreadable, static finding => finding.Analysis.Provenance?.Credentials is { Reading.Result: not CheckResult.Holds }),
        Rule.When(ExplanationCode.CredentialsInPart, static finding => Of(finding) is { } credentials && !Fails(credentials) && !Holds(credentials)),
        new(ExplanationCode.CredentialsLeaveOut, static finding => Of(finding) is { BytesLeftOut: > 0 and var bytes } ? [new("bytes_left_out", bytes)] : null),
        Rule.When(ExplanationCode.CredentialsTrusted, static finding => IsWorthReading(finding, out var credentials) && credentials.Trust.Result == CheckResult.Holds),
        Rule.When(ExplanationCode.CredentialsSignerUnknown, static finding => IsWorthReading(finding, out var credentials) && credentials.Trust.Result != CheckResult.Holds),
        Rule.When(ExplanationCode.CredentialsNotValidThen, static finding => IsWorthReading(finding, out var credentials) && credentials.Validity.Result == CheckResult.Fails),
        Rule.When(ExplanationCode.CredentialsClaimGenerated, static finding => Claims(finding, Generated)),
        Rule.When(ExplanationCode.CredentialsClaimComposite, static finding => Claims(finding, Composite)),
        Rule.When(ExplanationCode.CredentialsClaimCaptured, static finding => Claims(finding, Captured)),
    ];

    /// <summary>Null where there are none, or they could not be read.</summary>
    private static ContentCredentials? Of(Finding finding) => finding.Analysis.Provenance?.Credentials is { Reading.Result: CheckResult.Holds } credentials ? credentials : null;

    private static CheckResult[] Core(ContentCredentials credentials) => [credentials.Signature.Result, credentials.Assertions.Result, credentials.Binding.Result];

    private static bool Holds(ContentCredentials credentials) => Core(credentials).All(static result => result == CheckResult.Holds);

    private static bool Fails(ContentCredentials credentials) => Core(credentials).Contains(CheckResult.Fails);

    /// <summary>A claim that was changed, or that is another file's, is nobody's word on this one.</summary>
    private static bool IsWorthReading(Finding finding, out ContentCredentials credentials)
    {
        credentials = Of(finding)!;
        return credentials is not null && !Fails(credentials);
    }

    private static bool Claims(Finding finding, string[] terms) => IsWorthReading(finding, out var credentials) && credentials.SourceTypes.Any(terms.Contains);
}
