using LoupeGrpc.V1;

namespace LoupeGrpc.Reporting;

/// <summary>Content Credentials in few words, for tables and reports.</summary>
internal static class CredentialsWords
{
    /// <summary>What is to be said of them first: <c>hold</c>, or what is wrong or open.</summary>
    public static string Sum(ContentCredentials credentials)
    {
        if (credentials.Reading?.Result != CredentialsCheckResult.Holds)
        {
            return "unreadable";
        }

        var core = Core(credentials);
        var failing = core.Where(static check => check.Result == CredentialsCheckResult.Fails).Select(static check => check.Name).ToList();
        var open = core.Where(static check => check.Result != CredentialsCheckResult.Holds).Select(static check => check.Name).ToList();
        return failing.Count > 0 ? $"{string.Join(" and ", failing)} {(failing.Count == 1 && failing[0] != "assertions" ? "fails" : "fail")}"
            : open.Count > 0 ? $"{string.Join(" and ", open)} not judged"
            : credentials.Trust?.Result == CredentialsCheckResult.Holds ? "hold, signer trusted"
            : "hold, signer not judged";
    }

    /// <summary>Each check by its name, and why it ended so.</summary>
    public static IEnumerable<(string Name, CredentialsCheck Check)> Checks(ContentCredentials credentials)
    {
        (string Name, CredentialsCheck? Check)[] all =
        [
            ("reading", credentials.Reading), ("binding to the file", credentials.Binding), ("assertions", credentials.Assertions), ("signature", credentials.Signature),
            ("chain of certificates", credentials.Chain), ("time stamp", credentials.TimeStamp), ("certificate valid when signed", credentials.Validity), ("signer trusted", credentials.Trust),
        ];
        return all.Where(static entry => entry.Check is not null).Select(static entry => (entry.Name, entry.Check!));
    }

    private static (string Name, CredentialsCheckResult? Result)[] Core(ContentCredentials credentials) =>
        [("signature", credentials.Signature?.Result), ("assertions", credentials.Assertions?.Result), ("binding", credentials.Binding?.Result)];
}
