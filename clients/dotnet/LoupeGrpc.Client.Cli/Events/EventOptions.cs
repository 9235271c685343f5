using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Who is told what, as given.</summary>
internal sealed record EventOptions
{
    public required EventAddress Address { get; init; }

    /// <summary>One event for each outcome too, not only for what was found and lost.</summary>
    public required bool OfResults { get; init; }

    /// <summary>The file in which events wait.</summary>
    public required string Outbox { get; init; }

    /// <summary>Of events that wait, in bytes.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>How long the end of the run waits for the receiver.</summary>
    public required TimeSpan Wait { get; init; }

    /// <summary>What webhooks are signed with; null: they are not.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>Whom to believe about the receiver's certificate; null: whom the system trusts.</summary>
    public X509Certificate2Collection? Authority { get; init; }
}
