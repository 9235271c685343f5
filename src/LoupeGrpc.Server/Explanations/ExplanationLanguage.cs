namespace LoupeGrpc.Server.Explanations;

/// <summary>A language that results are explained in. Its numbers stand in records of sessions.</summary>
internal enum ExplanationLanguage
{
    English = 1,
    Chinese = 2,
}

/// <summary>How languages are called, whichever way they are asked for.</summary>
internal static class ExplanationLanguages
{
    public const string Unknown = "explain names no language that results are explained in: expected en or zh";

    /// <summary>Null where it is none of them.</summary>
    public static ExplanationLanguage? Read(string tag) => tag switch
    {
        "en" => ExplanationLanguage.English,
        "zh" => ExplanationLanguage.Chinese,
        _ => null,
    };

    public static string TagOf(ExplanationLanguage language) => language == ExplanationLanguage.Chinese ? "zh" : "en";
}
