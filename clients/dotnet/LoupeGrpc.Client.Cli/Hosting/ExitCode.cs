using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>What scripts branch on; documented in `--help` and not to be changed.</summary>
[SuppressMessage("Design", "CA1008:Enums should have zero value", Justification = "0 is success.")]
internal enum ExitCode
{
    /// <summary>Everything was analysed and nothing is manipulated.</summary>
    NothingFound = 0,

    /// <summary>At least one picture or frame is manipulated.</summary>
    Manipulated = 10,

    /// <summary>`verify`: something is forged, or not as it was.</summary>
    Differs = 11,

    /// <summary>Inputs failed, were missing, or a folder held no pictures, or results could not be written. Wins over <see cref="Manipulated"/>.</summary>
    SomeFailed = 20,

    /// <summary>The command line does not say what to do.</summary>
    WrongUsage = 2,

    /// <summary>No server was reached, or it refused the session.</summary>
    Unavailable = 69,

    /// <summary>A fault of this program.</summary>
    Internal = 70,

    /// <summary>The server does not know us, or refuses the request.</summary>
    Refused = 77,

    /// <summary>Ctrl-C or SIGTERM.</summary>
    Interrupted = 130,
}
