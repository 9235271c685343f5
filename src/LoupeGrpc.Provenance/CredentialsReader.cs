using System.Security.Cryptography;

namespace LoupeGrpc.Provenance;

/// <summary>
/// Finds and judges the Content Credentials of JPEG, PNG and WebP files. Asks no network, and trusts nobody but the roots that it is given. Time and memory grow linearly with the file;
/// whatever is wrong with it is told in the result.
/// </summary>
public static class CredentialsReader
{
    /// <summary>More is not read: honest stores have some hundred kilobytes, with thumbnails some megabytes.</summary>
    internal const int MostStoreBytes = 32 << 20;

    private const string Unread = "they could not be read";

    /// <param name="trust">Null: nobody is trusted.</param>
    /// <param name="now">For certificates of signatures whose time is not known.</param>
    /// <returns>Null: the file has none.</returns>
    public static ContentCredentials? Read(ReadOnlyMemory<byte> file, TrustList? trust, DateTimeOffset now)
    {
        if (!StoreFinder.TryLocate(file.Span, out var location))
        {
            return null;
        }

        try
        {
            return Read(file, StoreFinder.Collect(file, location), trust, now);
        }
        catch (CredentialsException exception)
        {
            return Unreadable(exception.IsUnsupported ? CredentialsCheck.NotJudged(exception.Message) : CredentialsCheck.Fails(exception.Message));
        }
    }

    private static ContentCredentials Read(ReadOnlyMemory<byte> file, FoundStore store, TrustList? trust, DateTimeOffset now)
    {
        if (store.Content.Length > MostStoreBytes)
        {
            return Unreadable(CredentialsCheck.NotJudged($"they have {store.Content.Length} bytes, and more than {MostStoreBytes} are not read"));
        }

        var manifest = ActiveManifest.Read(store.Content);
        var claim = Claim.Read(manifest.Claim, manifest.Label);
        var (actions, sources) = ActionFacts.Read(manifest);
        var credentials = new ContentCredentials
        {
            Reading = CredentialsCheck.Holds,
            Generator = claim.Generator,
            Title = claim.Title,
            Format = claim.Format,
            Manifest = PlainText.Clean(manifest.Label, PlainText.Long),
            Manifests = manifest.Manifests,
            Ingredients = ActionFacts.CountIngredients(manifest),
            Actions = actions,
            SourceTypes = sources,
            Assertions = AssertionCheck.Check(manifest, claim),
            Binding = DataBinding.Check(file.Span, store, manifest, claim, out long leftOut),
            BytesLeftOut = leftOut,
        };
        return claim.Signature == ActiveManifest.SignatureLabel
            ? Judge(credentials, manifest, trust, now)
            : credentials with { Signature = CredentialsCheck.Fails("the claim names another signature than the one beside it"), Chain = NotRead, TimeStamp = NotRead, Validity = NotRead, Trust = NotRead };
    }

    private static CredentialsCheck NotRead => CredentialsCheck.NotJudged(Unread);

    /// <summary>The signature and whose it is. Where that cannot be read, the rest stands.</summary>
    private static ContentCredentials Judge(ContentCredentials credentials, ActiveManifest manifest, TrustList? trust, DateTimeOffset now)
    {
        try
        {
            var signature = ClaimSignature.Read(manifest.Signature);
            using var chain = CertificateChain.Read(signature.Certificates);
            var claim = manifest.Claim.Span;
            var signing = SigningTime.Read(signature, claim);
            try
            {
                return credentials with
                {
                    Algorithm = signature.Algorithm,
                    Signature = signature.Verify(claim, chain.Signer),
                    Certificates = chain.List(),
                    Chain = chain.Check(),
                    SignedAt = signing.Time,
                    TimeStamp = signing.Check,
                    Validity = chain.CheckValidity(signing.Time),
                    Trust = trust?.Check(chain, signing, now) ?? CredentialsCheck.NotJudged("no trust list is configured"),
                };
            }
            finally
            {
                foreach (var certificate in signing.Stamper)
                {
                    certificate.Dispose();
                }
            }
        }
        catch (CredentialsException exception)
        {
            return credentials with { Signature = CredentialsCheck.Fails(exception.Message), Chain = NotRead, TimeStamp = NotRead, Validity = NotRead, Trust = NotRead };
        }
        catch (CryptographicException)
        {
            return credentials with { Signature = CredentialsCheck.Fails("a certificate of the signature cannot be read"), Chain = NotRead, TimeStamp = NotRead, Validity = NotRead, Trust = NotRead };
        }
    }

    private static ContentCredentials Unreadable(CredentialsCheck reading) =>
        new() { Reading = reading, Binding = NotRead, Assertions = NotRead, Signature = NotRead, Chain = NotRead, TimeStamp = NotRead, Validity = NotRead, Trust = NotRead };
}
