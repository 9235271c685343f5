namespace LoupeGrpc.Provenance;

/// <summary>
/// The Content Credentials of a file, of its active manifest. What they claim is whoever's claim it is: the checks say whether the claim is as it was signed and belongs
/// to this file, none of them whether it is true. All texts come from the file, without control characters and cut at a length. Immutable.
/// </summary>
public sealed record ContentCredentials
{
    /// <summary>Whether they could be read. Where they could not, everything else is empty and not judged.</summary>
    public required CredentialsCheck Reading { get; init; }

    /// <summary>Name and version of the program that made the claim.</summary>
    public string Generator { get; init; } = string.Empty;

    public string Title { get; init; } = string.Empty;

    /// <summary>Media type, as the claim has it.</summary>
    public string Format { get; init; } = string.Empty;

    /// <summary>Label of the active manifest.</summary>
    public string Manifest { get; init; } = string.Empty;

    /// <summary>Manifests in the file, the active one among them.</summary>
    public int Manifests { get; init; }

    /// <summary>Ingredients of the active manifest.</summary>
    public int Ingredients { get; init; }

    /// <summary>What was done, as <c>c2pa.created</c>: each once, in the order of the manifest, at most <see cref="ActionFacts.MostActions"/>.</summary>
    public IReadOnlyList<string> Actions { get; init; } = [];

    /// <summary>What the picture was made of by its actions: IPTC's terms, as <c>trainedAlgorithmicMedia</c>, or the whole address of another vocabulary's; each once.</summary>
    public IReadOnlyList<string> SourceTypes { get; init; } = [];

    /// <summary>Whether the file's bytes are those that were signed.</summary>
    public CredentialsCheck Binding { get; init; }

    /// <summary>Bytes of the file that the binding leaves out beside the credentials themselves: whoever has the file can change them. 0 where it does not hold.</summary>
    public long BytesLeftOut { get; init; }

    /// <summary>Whether the assertions are those that the claim names, all of them.</summary>
    public CredentialsCheck Assertions { get; init; }

    /// <summary>Whether the claim is what the holder of the first certificate signed.</summary>
    public CredentialsCheck Signature { get; init; }

    /// <summary>COSE's name of it, as <c>ES256</c>; its number where it has none here.</summary>
    public string Algorithm { get; init; } = string.Empty;

    /// <summary>The signer's certificate first, each signed by the next, as the file has them; at most <see cref="CertificateChain.MostListed"/>.</summary>
    public IReadOnlyList<CredentialsCertificate> Certificates { get; init; } = [];

    /// <summary>Whether each certificate is signed by the next.</summary>
    public CredentialsCheck Chain { get; init; }

    /// <summary>When it was signed, as a time stamp in the file has it; null: none says.</summary>
    public DateTimeOffset? SignedAt { get; init; }

    /// <summary>Whether the time stamp is of this signature. Who stamped it is not judged by it.</summary>
    public CredentialsCheck TimeStamp { get; init; }

    /// <summary>Whether the signer's certificate was valid at <see cref="SignedAt"/>.</summary>
    public CredentialsCheck Validity { get; init; }

    /// <summary>Whether the certificates lead to one that the operator trusts. Never <see cref="CheckResult.Fails"/>.</summary>
    public CredentialsCheck Trust { get; init; }

    /// <summary>Bytes that the texts hold in memory, about.</summary>
    public long Bytes =>
        256 + (2L * (Reading.Reason.Length + Generator.Length + Title.Length + Format.Length + Manifest.Length + Actions.Sum(static text => text.Length) + SourceTypes.Sum(static text => text.Length)
            + Certificates.Sum(static certificate => certificate.Subject.Length + certificate.Issuer.Length + certificate.Sha256.Length)));
}

/// <summary>What a certificate says of itself. Immutable.</summary>
/// <param name="Subject">Whose it is, as <c>CN=…, O=…</c>.</param>
/// <param name="Issuer">Who signed it, as it says.</param>
/// <param name="SelfIssued">Subject and issuer are the same.</param>
/// <param name="Sha256">Of the certificate, hexadecimal.</param>
public sealed record CredentialsCertificate(string Subject, string Issuer, DateTimeOffset NotBefore, DateTimeOffset NotAfter, bool SelfIssued, string Sha256);
