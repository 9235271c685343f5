using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The parts of the contract that this server does not have.</summary>
internal static class Features
{
    private const string NoAdaptation = "this server does not adapt";
    private const string NoResumption = "this server cannot resume sessions";

    /// <summary>Why a control was not carried out.</summary>
    public static Failed AdaptationUnsupported() => new() { Code = FailureCode.Unsupported, Message = NoAdaptation };

    /// <summary>Of what a session asks for.</summary>
    public static IEnumerable<Unavailable> UnavailableOf(OpenSession open)
    {
        if (open.Adaptation?.Enabled == true)
        {
            yield return new Unavailable { Feature = "adaptation", Reason = NoAdaptation };
        }

        if (!open.AdaptationSnapshot.IsEmpty)
        {
            yield return new Unavailable { Feature = "adaptation_snapshot", Reason = NoAdaptation };
        }

        if (!open.ResumeToken.IsEmpty)
        {
            yield return new Unavailable { Feature = "resume_token", Reason = NoResumption };
        }
    }

    /// <summary>Of the whole contract.</summary>
    public static IEnumerable<Unavailable> Unavailable(LoupeOptions options)
    {
        yield return new Unavailable { Feature = "adaptation", Reason = NoAdaptation };
        yield return new Unavailable { Feature = "resume_token", Reason = NoResumption };
        if (!options.Admin.Enabled)
        {
            yield return new Unavailable { Feature = "SessionAdminService", Reason = "not switched on: Loupe:Admin:Enabled" };
        }
    }
}
