using System.ComponentModel.DataAnnotations;
using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>The server's certificate, and which certificates clients show. Files are read anew when they change.</summary>
internal sealed record TlsOptions
{
    /// <summary>PEM with the certificate first and those between it and its root behind it, or PKCS #12.</summary>
    [Setting("certificate of https:// addresses: PEM chain or PFX", Essential = true, DefaultText = "none")]
    public string Certificate { get; init; } = string.Empty;

    /// <summary>Empty: it stands in the file of <see cref="Certificate"/>.</summary>
    [Setting("its private key (PEM)", Essential = true, DefaultText = "in the file of the certificate")]
    public string Key { get; init; } = string.Empty;

    [Setting("what the key or the PFX is encrypted with", DefaultText = "none")]
    public string Password { get; init; } = string.Empty;

    /// <summary>A certificate that <see cref="ClientAuthority"/> did not sign is refused in either case. Probes of the operations address need none.</summary>
    [Setting("whether clients show a certificate")]
    public ClientCertificatePolicy ClientCertificates { get; init; }

    [Setting("who signs the certificates of clients (PEM)", DefaultText = "none")]
    public string ClientAuthority { get; init; } = string.Empty;
}

/// <summary>Whether clients show a certificate.</summary>
internal enum ClientCertificatePolicy
{
    /// <summary>They are not asked for one.</summary>
    None,

    /// <summary>They are asked, and may have another identity instead.</summary>
    Allow,

    /// <summary>Who has none is not let in.</summary>
    Require,
}

/// <summary>Who may come in. Without any of the ways everybody may, which is refused beyond this machine unless <see cref="Open"/> says so.</summary>
internal sealed record SecurityOptions
{
    [Setting("file of keys, as 'key add' writes it", Essential = true, DefaultText = "none")]
    public string Keys { get; init; } = string.Empty;

    [Setting("OpenID provider whose tokens are taken: https://…", DefaultText = "none")]
    public string Authority { get; init; } = string.Empty;

    /// <summary>A token for somebody else is no token for this server.</summary>
    [Setting("whom its tokens must be for", DefaultText = "none")]
    public string Audience { get; init; } = string.Empty;

    /// <summary>Empty: whom the system trusts.</summary>
    [Setting("who signs the provider's certificate (PEM)", DefaultText = "the system's")]
    public string AuthorityCertificate { get; init; } = string.Empty;

    /// <summary>A list, or words with spaces between them, as in <c>scope</c>. Words that are no roles are passed over.</summary>
    [Setting("claim of a token that holds its roles")]
    public string RolesClaim { get; init; } = "roles";

    [Setting("how far clocks may differ, for tokens")]
    [Duration("0s", "10min")]
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    [Setting("users of Unix sockets are known")]
    public bool PeerCredentials { get; init; }

    /// <summary>Who has no identity is let in; who has a wrong one is not.</summary>
    [Setting("strangers are let in, too", Option = "--open")]
    public bool Open { get; init; }

    /// <summary>Where nobody is asked who they are, over plain <c>http://</c>: by any name a page from elsewhere could come in through a browser of this machine.</summary>
    [Setting("other names, without keys")]
    [Hosts]
    public string Hosts { get; init; } = WordsAttribute.None;

    /// <summary>Certificates and users are not told here have the role <c>analyse</c>.</summary>
    [SettingSection("The role of a certificate (certificate:SUBJECT) or of a user (user:UID), N from 0")]
    public IReadOnlyList<IdentityOptions> Identities { get; init; } = [];
}

/// <summary>Names of hosts.</summary>
internal sealed class HostsAttribute() : WordsAttribute("names of hosts without a port", "names")
{
    protected override bool Allows(string word) => Uri.CheckHostName(word) == UriHostNameType.Dns;
}

/// <summary>An identity that does not bring its role along.</summary>
internal sealed record IdentityOptions
{
    [Setting("certificate:SUBJECT or user:UID", DefaultText = "none")]
    public string Name { get; init; } = string.Empty;

    [Setting("what it may do")]
    [AllowedValues("analyse", "admin", "observe")]
    public string Role { get; init; } = "analyse";
}

/// <summary>What one identity may take, one address, and all strangers together.</summary>
internal sealed record QuotaOptions
{
    /// <summary>Those that wait to be resumed among them: they give way to new ones of the same identity.</summary>
    [Setting("sessions of one identity; 0: no limit")]
    [Range(0, 100_000)]
    public int Sessions { get; init; }

    /// <summary>Over it sessions of EVERY_FRAME are slowed down, and frames of others dropped.</summary>
    [Setting("its frames a second; 0: no limit")]
    [Range(0d, 1_000_000d)]
    public float FramesPerSecond { get; init; }

    /// <summary>Over it as with <see cref="FramesPerSecond"/>.</summary>
    [Setting("its bytes a second; 0: no limit")]
    [Bytes(0, 1L << 40)]
    public long BytesPerSecond { get; init; }

    /// <summary>Of <c>Loupe:Limits:MaxBufferedBytes</c>. Over it sessions of EVERY_FRAME wait, and frames of others are dropped.</summary>
    [Setting("its bytes in memory; 0: no limit")]
    [Bytes(0, 1L << 40)]
    public long BufferedBytes { get; init; }

    /// <summary>Over it the state of its own that was not used for the longest time is evicted, and its session told.</summary>
    [Setting("its sessions that adapt; 0: no limit")]
    [Range(0, 100_000)]
    public int AdaptationStates { get; init; }

    /// <summary>
    /// As <see cref="Sessions"/>, whoever opened them. Of IPv6 the first 64 bits count, which one host chooses the others behind. Behind a proxy all clients have its
    /// address; sockets of the file system have none.
    /// </summary>
    [Setting("sessions of one address; 0: no limit")]
    [Range(0, 100_000)]
    public int AddressSessions { get; init; }

    [Setting("sessions of all strangers; 0: no limit")]
    [Range(0, 100_000)]
    public int StrangerSessions { get; init; }

    [Setting("their frames a second; 0: no limit")]
    [Range(0d, 1_000_000d)]
    public float StrangerFramesPerSecond { get; init; }

    [Setting("their bytes a second; 0: no limit")]
    [Bytes(0, 1L << 40)]
    public long StrangerBytesPerSecond { get; init; }

    [Setting("their bytes in memory; 0: no limit")]
    [Bytes(0, 1L << 40)]
    public long StrangerBufferedBytes { get; init; }

    [Setting("their sessions that adapt; 0: no limit")]
    [Range(0, 100_000)]
    public int StrangerAdaptationStates { get; init; }
}
