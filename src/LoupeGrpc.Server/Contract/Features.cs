using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The parts of the contract that this server does not have.</summary>
internal static class Features
{
    private const string NoResumption = "this server cannot resume sessions";

    /// <summary>Of what a session asks for.</summary>
    public static IEnumerable<Unavailable> UnavailableOf(OpenSession open)
    {
        if (!open.ResumeToken.IsEmpty)
        {
            yield return new Unavailable { Feature = "resume_token", Reason = NoResumption };
        }
    }

    /// <summary>Of the whole contract.</summary>
    public static IEnumerable<Unavailable> Unavailable(LoupeOptions options)
    {
        yield return new Unavailable { Feature = "resume_token", Reason = NoResumption };
        if (!options.Admin.Enabled)
        {
            yield return new Unavailable { Feature = "SessionAdminService", Reason = "not switched on: Loupe:Admin:Enabled" };
        }
    }
}
