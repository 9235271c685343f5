namespace LoupeGrpc.Server.Logs;

/// <summary>Something that an operator may have to prove later.</summary>
/// <param name="Event">A word: <c>opened</c>, <c>resumed</c>, <c>taken_over</c>, <c>ended</c>, <c>administered</c>, <c>refused</c>.</param>
/// <param name="Identity">Who, as in <c>key:gate-3</c>; empty: a stranger.</param>
/// <param name="Peer">From where.</param>
/// <param name="Fields">What else belongs to it; values are text or numbers.</param>
internal sealed record AuditEntry(string Event, string Identity, string Peer, params IReadOnlyList<(string Name, object Value)> Fields)
{
    private const int MaxPath = 256;

    /// <param name="path">What it wanted. Strangers choose it: its beginning is kept.</param>
    public static AuditEntry Refused(string identity, string peer, string path, string reason) =>
        new("refused", identity, peer, ("path", path.Length > MaxPath ? path[..MaxPath] : path), ("reason", reason));
}
