using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>Puts a result into sentences, by rules that each look at one fact.</summary>
internal static class Explainer
{
    /// <summary>In the order of the sentences: what was found, how far that goes, what it was found in.</summary>
    public static IReadOnlyList<Rule> Rules { get; } =
        [.. VerdictRules.All, .. MaskRules.All, .. PatchRules.All, .. OmissionRules.All, .. AdaptationRules.All, .. TileRules.All, .. InputRules.All, .. CredentialsRules.All];

    /// <param name="thresholds">Those the verdict was taken with.</param>
    public static IEnumerable<Explanation> Explain(FrameAnalysis analysis, VerdictThresholds thresholds, ExplanationLanguage language)
    {
        var finding = new Finding(analysis, thresholds);
        var texts = LanguageTexts.Of(language);
        foreach (var (code, look) in Rules)
        {
            if (look(finding) is { } numbers)
            {
                yield return new Explanation(code, numbers, texts.Write(code, numbers));
            }
        }
    }
}
