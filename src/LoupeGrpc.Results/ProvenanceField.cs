using System.Text.Json.Serialization;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.V1;

namespace LoupeGrpc.Results;

/// <param name="Credentials">Content Credentials (C2PA); null where there are none.</param>
/// <param name="Software">The program that wrote the file, as its EXIF data have it.</param>
/// <param name="JpegTables">LIBJPEG or OTHER; null where it is no JPEG.</param>
/// <param name="JpegQuality">1 to 100; null where the tables are not libjpeg's.</param>
internal sealed record ProvenanceField(
    [property: JsonPropertyName("content_credentials")] CredentialsField? Credentials,
    [property: JsonPropertyName("software")] string? Software,
    [property: JsonPropertyName("jpeg_tables")] string? JpegTables,
    [property: JsonPropertyName("jpeg_quality")] uint? JpegQuality)
{
    public static ProvenanceField From(Provenance provenance) => new(
        provenance.ContentCredentials is { } credentials ? CredentialsField.From(credentials) : null,
        provenance.Software.Length > 0 ? provenance.Software : null,
        provenance.JpegTables == LoupeGrpc.V1.JpegTables.Unspecified ? null : WireName.Of(provenance.JpegTables),
        provenance.JpegQuality > 0 ? provenance.JpegQuality : null);
}

/// <summary>Everything but the first is null where they could not be read.</summary>
internal sealed record CredentialsField(
    [property: JsonPropertyName("reading")] CheckField? Reading,
    [property: JsonPropertyName("claim_generator")] string? ClaimGenerator,
    [property: JsonPropertyName("title")] string? Title,
    [property: JsonPropertyName("format")] string? Format,
    [property: JsonPropertyName("manifest")] string? Manifest,
    [property: JsonPropertyName("manifests")] uint? Manifests,
    [property: JsonPropertyName("ingredients")] uint? Ingredients,
    [property: JsonPropertyName("actions")] IReadOnlyList<string>? Actions,
    [property: JsonPropertyName("digital_source_types")] IReadOnlyList<string>? DigitalSourceTypes,
    [property: JsonPropertyName("binding")] CheckField? Binding,
    [property: JsonPropertyName("bytes_left_out")] ulong? BytesLeftOut,
    [property: JsonPropertyName("assertions")] CheckField? Assertions,
    [property: JsonPropertyName("signature")] CheckField? Signature,
    [property: JsonPropertyName("algorithm")] string? Algorithm,
    [property: JsonPropertyName("certificates")] IReadOnlyList<CertificateField>? Certificates,
    [property: JsonPropertyName("chain")] CheckField? Chain,
    [property: JsonPropertyName("signed_at")] string? SignedAt,
    [property: JsonPropertyName("time_stamp")] CheckField? TimeStamp,
    [property: JsonPropertyName("validity")] CheckField? Validity,
    [property: JsonPropertyName("trust")] CheckField? Trust)
{
    public static CredentialsField From(ContentCredentials credentials)
    {
        var isRead = credentials.Reading?.Result == CredentialsCheckResult.Holds;
        return new(
            CheckField.From(credentials.Reading),
            Text(credentials.ClaimGenerator),
            Text(credentials.Title),
            Text(credentials.Format),
            Text(credentials.Manifest),
            isRead ? credentials.Manifests : null,
            isRead ? credentials.Ingredients : null,
            isRead ? [.. credentials.Actions] : null,
            isRead ? [.. credentials.DigitalSourceTypes] : null,
            CheckField.From(credentials.Binding),
            isRead ? credentials.BytesLeftOut : null,
            CheckField.From(credentials.Assertions),
            CheckField.From(credentials.Signature),
            Text(credentials.Algorithm),
            isRead ? [.. credentials.Certificates.Select(CertificateField.From)] : null,
            CheckField.From(credentials.Chain),
            CertificateField.TimeOf(credentials.SignedAt),
            CheckField.From(credentials.TimeStamp),
            CheckField.From(credentials.Validity),
            CheckField.From(credentials.Trust));
    }

    private static string? Text(string text) => text.Length > 0 ? text : null;
}

/// <param name="Result">HOLDS, FAILS or NOT_JUDGED.</param>
/// <param name="Reason">For people; null where there is nothing to add.</param>
internal sealed record CheckField([property: JsonPropertyName("result")] string Result, [property: JsonPropertyName("reason")] string? Reason)
{
    public static CheckField? From(CredentialsCheck? check) => check is null ? null : new(WireName.Of(check.Result), check.Reason.Length > 0 ? check.Reason : null);
}

/// <param name="NotBefore">UTC, as <c>2026-01-02T03:04:05Z</c>; as the other.</param>
internal sealed record CertificateField(
    [property: JsonPropertyName("subject")] string Subject,
    [property: JsonPropertyName("issuer")] string Issuer,
    [property: JsonPropertyName("not_before")] string? NotBefore,
    [property: JsonPropertyName("not_after")] string? NotAfter,
    [property: JsonPropertyName("self_issued")] bool SelfIssued,
    [property: JsonPropertyName("sha256")] string Sha256)
{
    public static CertificateField From(CredentialsCertificate certificate) => new(
        certificate.Subject,
        certificate.Issuer,
        TimeOf(certificate.NotBefore),
        TimeOf(certificate.NotAfter),
        certificate.SelfIssued,
        Convert.ToHexStringLower(certificate.Sha256.Span));

    /// <summary>Null where there is none, or it is no time that a calendar has.</summary>
    public static string? TimeOf(Timestamp? time)
    {
        const long FirstSecond = -62_135_596_800;
        const long LastSecond = 253_402_300_799;
        return time is { Seconds: >= FirstSecond and <= LastSecond }
            ? DateTimeOffset.FromUnixTimeSeconds(time.Seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture)
            : null;
    }
}
