using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Engine;
using LoupeGrpc.Provenance;
using LoupeGrpc.V1;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>What a file says of where it comes from, as messages of the contract.</summary>
internal static class ProvenanceMessages
{
    public static Wire.Provenance ToMessage(this FrameProvenance provenance) => new()
    {
        ContentCredentials = provenance.Credentials?.ToMessage(),
        Software = provenance.Software ?? string.Empty,
        JpegTables = provenance.JpegTables switch
        {
            Engine.JpegTables.Libjpeg => Wire.JpegTables.Libjpeg,
            Engine.JpegTables.Other => Wire.JpegTables.Other,
            _ => Wire.JpegTables.Unspecified,
        },
        JpegQuality = (uint)provenance.JpegQuality,
    };

    private static Wire.ContentCredentials ToMessage(this LoupeGrpc.Provenance.ContentCredentials credentials) => credentials.Reading.Result != CheckResult.Holds
        ? new Wire.ContentCredentials { Reading = credentials.Reading.ToMessage() }
        : new Wire.ContentCredentials
        {
            Reading = credentials.Reading.ToMessage(),
            ClaimGenerator = credentials.Generator,
            Title = credentials.Title,
            Format = credentials.Format,
            Manifest = credentials.Manifest,
            Manifests = (uint)credentials.Manifests,
            Ingredients = (uint)credentials.Ingredients,
            Actions = { credentials.Actions },
            DigitalSourceTypes = { credentials.SourceTypes },
            Binding = credentials.Binding.ToMessage(),
            BytesLeftOut = (ulong)credentials.BytesLeftOut,
            Assertions = credentials.Assertions.ToMessage(),
            Signature = credentials.Signature.ToMessage(),
            Algorithm = credentials.Algorithm,
            Certificates = { credentials.Certificates.Select(static certificate => certificate.ToMessage()) },
            Chain = credentials.Chain.ToMessage(),
            SignedAt = credentials.SignedAt?.ToTimestamp(),
            TimeStamp = credentials.TimeStamp.ToMessage(),
            Validity = credentials.Validity.ToMessage(),
            Trust = credentials.Trust.ToMessage(),
        };

    private static Wire.CredentialsCertificate ToMessage(this LoupeGrpc.Provenance.CredentialsCertificate certificate) => new()
    {
        Subject = certificate.Subject,
        Issuer = certificate.Issuer,
        NotBefore = certificate.NotBefore.ToTimestamp(),
        NotAfter = certificate.NotAfter.ToTimestamp(),
        SelfIssued = certificate.SelfIssued,
        Sha256 = ByteString.CopyFrom(Convert.FromHexString(certificate.Sha256)),
    };

    private static Wire.CredentialsCheck ToMessage(this LoupeGrpc.Provenance.CredentialsCheck check) => new()
    {
        Result = check.Result switch
        {
            CheckResult.Holds => CredentialsCheckResult.Holds,
            CheckResult.Fails => CredentialsCheckResult.Fails,
            _ => CredentialsCheckResult.NotJudged,
        },
        Reason = check.Reason,
    };
}
