namespace LoupeGrpc.Provenance;

/// <summary>The credentials are not what they should be. Never leaves <see cref="CredentialsReader"/>.</summary>
/// <param name="unsupported">They may well be in order: it is this reader that does not know them.</param>
internal sealed class CredentialsException(string message, bool unsupported = false) : Exception(message)
{
    public bool IsUnsupported => unsupported;
}
