namespace LoupeGrpc.Server.Security;

/// <summary>Who makes a call, as a feature of its request.</summary>
/// <param name="Owner">
/// Opaque, and the same whenever it is the same identity: the kind and the name, as in <c>key:gate-3</c>. Empty: a stranger, one of all those without an identity.
/// </param>
/// <param name="Roles">None: it is known, and may do nothing.</param>
/// <param name="Sessions">That it may have open, as its key says; null: as the settings do.</param>
/// <param name="FramesPerSecond">Of all its sessions, as its key says; null: as the settings do.</param>
internal sealed record Caller(string Owner, IReadOnlyList<Role> Roles, int? Sessions = null, double? FramesPerSecond = null)
{
    /// <summary>Nobody that anything is known of.</summary>
    public static Caller Nobody { get; } = new(string.Empty, []);

    /// <summary>Canceled when the identity is not taken any more.</summary>
    public CancellationToken Revoked { get; init; }

    /// <summary>For people.</summary>
    public string Name => Owner.Length > 0 ? Owner : "a stranger";

    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? Nobody;
}

/// <summary>Why a call is refused whoever makes it, as a feature of its request.</summary>
internal sealed record CallerRefusal(string Reason, RefusalKind Kind = RefusalKind.Unknown);

/// <summary>What is missing.</summary>
internal enum RefusalKind
{
    /// <summary>It is not known who calls.</summary>
    Unknown,

    /// <summary>What was sent may be right: whoever could say so does not answer.</summary>
    CannotTell,

    /// <summary>The server is not called by a name of its own.</summary>
    WrongHost,
}
