using System.Text;
using LoupeGrpc.Provenance;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Provenance;

/// <summary>Files that c2pa-rs has signed and judges as trusted, and what becomes of them when somebody touches them.</summary>
public sealed class CredentialsReaderTests
{
    private static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TrustList Trust = TrustList.Read(File.ReadAllText(Golden("root.pem")));

    public static TheoryData<string, string, int, string> Signed => new()
    {
        { "es256.jpg", "ES256", 1, "trainedAlgorithmicMedia" },
        { "es384.png", "ES384", 1, "digitalCapture" },
        { "es512.webp", "ES512", 1, "trainedAlgorithmicMedia" },
        { "ps256.webp", "PS256", 1, "trainedAlgorithmicMedia" },
        { "ed25519.png", "EdDSA", 1, "trainedAlgorithmicMedia" },
        { "stamped.jpg", "ES256", 1, "trainedAlgorithmicMedia" },
        { "stamped-v1.jpg", "ES256", 1, "" },
        { "many-segments.jpg", "ES256", 1, "trainedAlgorithmicMedia" },
        { "edited.jpg", "ES384", 2, "" },
    };

    public static TheoryData<string> Containers => ["es256.jpg", "many-segments.jpg", "es384.png", "es512.webp"];

    private static string Golden(string name) => TestData.Golden("provenance", name);

    private static byte[] Bytes(string name) => File.ReadAllBytes(Golden(name));

    private static ContentCredentials? Read(byte[] file) => CredentialsReader.Read(file, Trust, Now);

    private static void AssertHolds(CredentialsCheck check) => Assert.Equal(new CredentialsCheck(CheckResult.Holds, ""), check);

    [Theory]
    [MemberData(nameof(Signed))]
    public void What_c2pa_rs_signed_holds(string name, string algorithm, int manifests, string source)
    {
        var credentials = Read(Bytes(name));

        Assert.NotNull(credentials);
        AssertHolds(credentials.Reading);
        AssertHolds(credentials.Binding);
        AssertHolds(credentials.Assertions);
        AssertHolds(credentials.Signature);
        AssertHolds(credentials.Chain);
        AssertHolds(credentials.Trust);
        Assert.Equal(0, credentials.BytesLeftOut);
        Assert.Equal(algorithm, credentials.Algorithm);
        Assert.Equal(manifests, credentials.Manifests);
        Assert.Equal(manifests - 1, credentials.Ingredients);
        Assert.Equal(name == "edited.jpg" ? "loupe-grpc editor 2.0" : "loupe-grpc tests 1.0", credentials.Generator);
        Assert.Equal(name == "edited.jpg" ? "Coffee, edited" : "Coffee", credentials.Title);
        Assert.Equal(name == "stamped-v1.jpg" ? "image/jpeg" : "", credentials.Format);
        Assert.Equal([name == "edited.jpg" ? "c2pa.opened" : "c2pa.created"], credentials.Actions);
        Assert.Equal(source.Length > 0 ? [source] : [], credentials.SourceTypes);
        Assert.Equal(2, credentials.Certificates.Count);
        Assert.Equal(("CN=Test intermediate, O=LoupeGrpc tests", false), (credentials.Certificates[0].Issuer, credentials.Certificates[0].SelfIssued));
        Assert.Equal("CN=Test root, O=LoupeGrpc tests", credentials.Certificates[1].Issuer);
        Assert.All(credentials.Certificates, static certificate => Assert.True(certificate.NotAfter > Now && certificate.NotBefore < Now));
    }

    [Theory]
    [InlineData("stamped.jpg")]
    [InlineData("stamped-v1.jpg")]
    public void A_time_stamp_says_when_it_was_signed(string name)
    {
        var credentials = Read(Bytes(name))!;

        AssertHolds(credentials.TimeStamp);
        AssertHolds(credentials.Validity);
        Assert.Equal(new DateTime(2026, 11, 28), credentials.SignedAt!.Value.UtcDateTime.Date);
    }

    [Fact]
    public void Without_a_time_stamp_nothing_says_when()
    {
        var credentials = Read(Bytes("es256.jpg"))!;

        Assert.Null(credentials.SignedAt);
        Assert.Equal(new CredentialsCheck(CheckResult.NotJudged, "there is none"), credentials.TimeStamp);
        Assert.Equal(CheckResult.NotJudged, credentials.Validity.Result);
    }

    [Fact]
    public void A_time_stamp_of_another_signature_fails()
    {
        var file = Bytes("stamped.jpg");

        // Of the token's digest of what was stamped, which is SHA-256 and so behind its algorithm's number and a length.
        int digest = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]) + 13;
        Assert.True(digest > 13);
        file[digest] ^= 1;
        var credentials = Read(file)!;

        AssertHolds(credentials.Signature);
        Assert.Equal(CheckResult.Fails, credentials.TimeStamp.Result);
    }

    [Fact]
    public void An_update_has_no_binding_of_its_own()
    {
        var credentials = Read(Bytes("updated.jpg"))!;

        Assert.Equal(CheckResult.NotJudged, credentials.Binding.Result);
        AssertHolds(credentials.Signature);
        AssertHolds(credentials.Assertions);
        Assert.Equal((2, 1, "Coffee, updated"), (credentials.Manifests, credentials.Ingredients, credentials.Title));
    }

    [Fact]
    public void A_picture_without_has_none() => Assert.Null(Read(Bytes("plain.jpg")));

    [Theory]
    [MemberData(nameof(Containers))]
    public void A_picture_that_was_changed_is_not_the_one_that_was_signed(string name)
    {
        var file = Bytes(name);

        // Of the coded data, or in WebP of its chunk before the credentials.
        file[name.EndsWith(".webp", StringComparison.Ordinal) ? 60 : file.Length - 40] ^= 1;
        var credentials = Read(file)!;

        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "the file's bytes are not those that were signed"), credentials.Binding);
        AssertHolds(credentials.Signature);
        AssertHolds(credentials.Assertions);
        AssertHolds(credentials.Trust);
    }

    [Theory]
    [MemberData(nameof(Containers))]
    public void What_is_put_behind_the_end_is_not_what_was_signed(string name) =>
        Assert.Equal(CheckResult.Fails, Read([.. Bytes(name), 0])!.Binding.Result);

    [Fact]
    public void An_assertion_that_was_changed_is_not_what_the_claim_names()
    {
        var file = Bytes("es256.jpg");
        int place = file.AsSpan().IndexOf("trainedAlgorithmicMedia"u8);
        "humanMade"u8.CopyTo(file.AsSpan(place));
        var credentials = Read(file)!;

        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "c2pa.assertions/c2pa.actions.v2 is not what was signed"), credentials.Assertions);
        AssertHolds(credentials.Binding);
        AssertHolds(credentials.Signature);
    }

    [Fact]
    public void A_claim_that_was_changed_is_not_what_was_signed()
    {
        var file = Bytes("es256.jpg");
        int place = file.AsSpan().IndexOf("loupe-grpc tests"u8);
        "l00pe-grpc tests"u8.CopyTo(file.AsSpan(place));
        var credentials = Read(file)!;

        Assert.Equal("l00pe-grpc tests 1.0", credentials.Generator);
        Assert.Equal(CheckResult.Fails, credentials.Signature.Result);
        AssertHolds(credentials.Binding);
        AssertHolds(credentials.Assertions);
    }

    [Fact]
    public void Credentials_of_another_picture_do_not_fit()
    {
        var signed = Bytes("es256.jpg");
        Assert.True(StoreFinder.TryLocate(signed, out var location));
        var place = Assert.Single(StoreFinder.Collect(signed, location).Places);
        var other = File.ReadAllBytes(TestData.Sample("authentic-raccoon.jpg"));

        // Where they stood.
        byte[] file = [.. other[..(int)place.Start], .. signed[(int)place.Start..(int)place.End], .. other[(int)place.Start..]];

        var credentials = Read(file)!;
        Assert.Equal(CheckResult.Fails, credentials.Binding.Result);
        AssertHolds(credentials.Signature);
    }

    [Fact]
    public void Segments_in_another_order_or_missing_are_told()
    {
        var file = Bytes("many-segments.jpg");
        Assert.True(StoreFinder.TryLocate(file, out var location));
        var places = StoreFinder.Collect(file, location).Places;
        Assert.Equal(2, places.Count);
        var (first, second) = (file[(int)places[0].Start..(int)places[0].End], file[(int)places[1].Start..(int)places[1].End]);
        var (before, behind) = (file[..(int)places[0].Start], file[(int)places[1].End..]);

        Assert.Equal("its 2. segment is missing, or stands in the wrong place", Read([.. before, .. first, .. first, .. behind])!.Reading.Reason);
        Assert.Equal(CheckResult.Fails, Read([.. before, .. first, .. behind])!.Reading.Result);

        // What comes before its beginning belongs to nothing.
        Assert.Equal(CheckResult.Fails, Read([.. before, .. second, .. first, .. behind])!.Reading.Result);
        Assert.Equal(CheckResult.Holds, Read([.. before, .. first, .. second, .. behind])!.Binding.Result);
    }

    [Theory]
    [InlineData("es256.jpg")]
    [InlineData("es384.png")]
    [InlineData("ps256.webp")]
    public void Two_stores_are_one_too_many(string name)
    {
        var file = Bytes(name);
        Assert.True(StoreFinder.TryLocate(file, out var location));
        var place = StoreFinder.Collect(file, location).Places[0];
        var store = file[(int)place.Start..(int)place.End];
        if (location.Container == StoreContainer.Jpeg)
        {
            // A box of its own: its number is the second field behind the marker.
            store[7]++;
        }

        var credentials = Read([.. file[..(int)place.End], .. store, .. file[(int)place.End..]])!;
        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "the file has more than one manifest store"), credentials.Reading);
    }

    /// <summary>Wherever it is cut, something is wrong with it or nothing is found, and nothing else happens.</summary>
    [Theory]
    [InlineData("es256.jpg")]
    [InlineData("stamped.jpg")]
    [InlineData("ps256.webp")]
    public void A_file_that_was_cut_holds_nowhere(string name)
    {
        var file = Bytes(name);
        for (int length = 0; length < file.Length; length += 3)
        {
            var credentials = Read(file[..length]);
            Assert.True(credentials is null || credentials.Binding.Result != CheckResult.Holds, $"{length} bytes");
        }
    }

    /// <summary>Whatever byte is changed, the check that covers it does not hold, and nothing else happens.</summary>
    [Theory]
    [InlineData("es256.jpg")]
    [InlineData("stamped-v1.jpg")]
    [InlineData("ps256.webp")]
    public void A_byte_that_was_changed_is_seen(string name)
    {
        var original = Bytes(name);
        Assert.True(StoreFinder.TryLocate(original, out var location));
        var store = StoreFinder.Collect(original, location);
        var manifest = ActiveManifest.Read(store.Content);
        var place = Assert.Single(store.Places);
        var claim = RangeOf(original, manifest.Claim.Span);
        List<(long Start, long End)> assertions = [.. manifest.Assertions.Select(path => RangeOf(original, manifest.Stores[path].Content.Span))];
        Assert.NotEmpty(assertions);
        for (int position = 12; position < original.Length; position += 5)
        {
            var file = original.ToArray();
            file[position] ^= 0x10;
            if (CredentialsReader.Read(file, null, Now) is not { } credentials)
            {
                continue;
            }

            var check = position < place.Start || position >= place.End ? credentials.Binding
                : IsIn(claim, position) ? credentials.Signature
                : assertions.Exists(range => IsIn(range, position)) ? credentials.Assertions
                : default;
            Assert.True(check.Result != CheckResult.Holds, $"byte {position}");
        }

        static (long, long) RangeOf(byte[] file, ReadOnlySpan<byte> part) => (file.AsSpan().IndexOf(part), file.AsSpan().IndexOf(part) + part.Length);
        static bool IsIn((long Start, long End) range, long position) => position >= range.Start && position < range.End;
    }

    [Fact]
    public void Nobody_is_trusted_without_a_list()
    {
        var credentials = CredentialsReader.Read(Bytes("es256.jpg"), null, Now)!;
        Assert.Equal(new CredentialsCheck(CheckResult.NotJudged, "no trust list is configured"), credentials.Trust);
    }

    [Fact]
    public void Only_roots_of_the_list_vouch()
    {
        var others = TrustList.Read(CredentialsMaker.RootPem);
        var trust = CredentialsReader.Read(Bytes("es256.jpg"), others, Now)!.Trust;
        Assert.Equal(CheckResult.NotJudged, trust.Result);
        Assert.StartsWith("the certificates lead to none of the trust list", trust.Reason, StringComparison.Ordinal);
    }

    /// <summary>A stamp whose own signer leads to the list moves the moment at which certificates have to be valid.</summary>
    [Fact]
    public void A_trusted_time_stamp_counts_when_certificates_have_expired()
    {
        var later = new DateTimeOffset(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

        Assert.Equal(CheckResult.Holds, CredentialsReader.Read(Bytes("stamped.jpg"), Trust, later)!.Trust.Result);
        Assert.Equal(CheckResult.NotJudged, CredentialsReader.Read(Bytes("es256.jpg"), Trust, later)!.Trust.Result);
    }

    [Fact]
    public void A_trust_list_has_to_have_roots()
    {
        Assert.Equal("no certificate in PEM is in it", Assert.Throws<InvalidDataException>(static () => TrustList.Read("nothing")).Message);
        Assert.StartsWith("no root is in it", Assert.Throws<InvalidDataException>(static () => TrustList.Read(CredentialsMaker.IntermediatePem)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(static () => TrustList.Read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    }

    [Fact]
    public void Texts_of_a_file_are_cut_and_have_no_control_characters()
    {
        Assert.Equal("a[31mb", PlainText.Clean("a\u001b[31m\u0000\u202eb\r\n", PlainText.Long));
        string cut = PlainText.Clean(new string('图', 100), PlainText.Long);
        Assert.EndsWith("图…", cut, StringComparison.Ordinal);
        Assert.InRange(Encoding.UTF8.GetByteCount(cut), PlainText.Long - 3, PlainText.Long);
        Assert.Equal(new string('x', PlainText.Long), PlainText.Clean(new string('x', PlainText.Long), PlainText.Long));
    }
}
