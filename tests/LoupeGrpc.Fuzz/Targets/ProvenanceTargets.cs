using System.Text;
using LoupeGrpc.Provenance;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What is read of the Content Credentials in a picture.</summary>
internal static class ProvenanceTargets
{
    // More than all texts together may have.
    private const int MostResultBytes = 16 << 10;

    private static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Lazy<TrustList> Trust = new(static () => TrustList.Read(File.ReadAllText(TestData.Golden("provenance", "root.pem"))));

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        // Nothing that a file has may be more than a result that says what is wrong.
        new("content-credentials", ReadFile)
        {
            Parsers = [typeof(CredentialsReader), typeof(StoreFinder), typeof(JumbfBox), typeof(JumbfSuperbox), typeof(ActiveManifest), typeof(Claim), typeof(CborNode), typeof(DataBinding), typeof(AssertionCheck), typeof(ActionFacts)],
            Tokens =
            [
                .. Words("jumb", "jumd", "cbor", "c2pa", "c2ma", "c2um", "c2as", "c2cl", "c2cs", "caBX", "C2PA", "JP", "c2pa.claim.v2", "c2pa.signature", "c2pa.assertions", "c2pa.hash.data", "c2pa.actions", "self#jumbf=", "exclusions", "start", "length", "hash", "alg", "url", "sha512"),
                [0xFF, 0xEB], [0xFF, 0xDA], [0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF], [0x1B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x9F], [0xBF], [0xFF], [0xC0], [0x5F],
            ],
            MaxLength = 16384,
        },
        new("claim-signature", ReadSignature, typeof(CredentialsException))
        {
            Parsers = [typeof(ClaimSignature), typeof(CertificateChain), typeof(SigningTime), typeof(TrustList)],
            Tokens =
            [
                .. Words("sigTst", "sigTst2", "tstTokens", "val", "x5chain", "pad"),
                [0xD2, 0x84], [0x18, 0x21], [0x01, 0x26], [0x01, 0x27], [0x38, 0x24], [0xF6], [0x30, 0x82], [0x06, 0x03, 0x2B, 0x65, 0x70],
            ],
            MaxLength = 16384,
        },
    ];

    private static void ReadFile(byte[] input)
    {
        if (CredentialsReader.Read(input, Trust.Value, Now) is { } credentials && (credentials.Bytes > MostResultBytes || credentials.Trust.Result == CheckResult.Fails))
        {
            throw new InvalidOperationException($"Credentials that cannot be: {credentials}.");
        }
    }

    private static void ReadSignature(byte[] input)
    {
        var signature = ClaimSignature.Read(input);
        using var chain = CertificateChain.Read(signature.Certificates);
        var time = SigningTime.Read(signature, "claim"u8);
        signature.Verify("claim"u8, chain.Signer);
        chain.List();
        chain.Check();
        chain.CheckValidity(time.Time);
        Trust.Value.Check(chain, time, Now);
        foreach (var certificate in time.Stamper)
        {
            certificate.Dispose();
        }
    }

    private static byte[][] Words(params string[] words) => [.. words.Select(Encoding.Latin1.GetBytes)];
}
