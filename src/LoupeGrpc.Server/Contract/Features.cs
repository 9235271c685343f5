using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The parts of the contract that this server does not have.</summary>
internal static class Features
{
    /// <summary>Of the whole contract.</summary>
    public static IEnumerable<MissingFeature> Missing(LoupeOptions options)
    {
        if (options.Sessions.ResumeWindow == TimeSpan.Zero)
        {
            yield return NoResumption("resume_token");
        }

        if (!options.Receipts.AreSigned)
        {
            yield return ReceiptWriter.NotHere;
        }

        if (!options.Admin.Enabled)
        {
            yield return new MissingFeature("SessionAdminService", "not switched on: Loupe:Admin:Enabled");
        }
    }

    /// <summary>Of what a new session asks for.</summary>
    public static IEnumerable<MissingFeature> MissingOf(OpenSession open, LoupeOptions options)
    {
        var never = options.Sessions.ResumeWindow == TimeSpan.Zero;
        if (open.Resumable && never)
        {
            yield return NoResumption("resumable");
        }

        if (open.Receipts && !options.Receipts.AreSigned)
        {
            yield return ReceiptWriter.NotHere;
        }

        if (!open.ResumeToken.IsEmpty)
        {
            yield return never
                ? NoResumption("resume_token")
                : new MissingFeature(
                    "resume_token",
                    "no session has this token: it ended, its connection was broken for longer than Loupe:Sessions:ResumeWindow, "
                        + $"which is {options.Sessions.ResumeWindow.TotalSeconds:0.###} s, or the server was restarted");
        }
    }

    /// <summary>The same, where it is known why there is no session to resume.</summary>
    public static IReadOnlyList<MissingFeature> WithReason(IEnumerable<MissingFeature> missing, string problem) =>
        [.. missing.Select(feature => feature.Feature == "resume_token" ? feature with { Reason = problem } : feature)];

    private static MissingFeature NoResumption(string feature) =>
        new(feature, "this server keeps no session whose connection broke: Loupe:Sessions:ResumeWindow is 0");
}
