using System.Formats.Cbor;
using LoupeGrpc.Provenance;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Provenance;

/// <summary>Credentials that a sound signer does not make.</summary>
public sealed class MadeCredentialsTests
{
    private static readonly byte[] Picture = File.ReadAllBytes(TestData.Golden("provenance", "plain.jpg"));
    private static readonly TrustList Trust = TrustList.Read(CredentialsMaker.RootPem);

    private static ContentCredentials Read(CredentialsMaker maker) => Read(maker.Sign(Picture));

    private static ContentCredentials Read(byte[] file)
    {
        var credentials = CredentialsReader.Read(file, Trust, CredentialsMaker.Now);
        Assert.NotNull(credentials);
        return credentials;
    }

    private static ContentCredentials ReadStore(byte[] box) => Read(CredentialsMaker.Insert(Picture, CredentialsMaker.Segments(box)));

    private static void AssertAll(CheckResult binding, CheckResult assertions, CheckResult signature, ContentCredentials credentials) =>
        Assert.Equal((CheckResult.Holds, binding, assertions, signature), (credentials.Reading.Result, credentials.Binding.Result, credentials.Assertions.Result, credentials.Signature.Result));

    /// <summary>So that what follows fails for what is wrong in it.</summary>
    [Theory]
    [InlineData("sha256")]
    [InlineData("sha384")]
    [InlineData("sha512")]
    public void What_is_made_as_it_should_be_holds(string hash)
    {
        var credentials = Read(new CredentialsMaker { HashName = hash });

        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Holds, credentials);
        Assert.Equal((CheckResult.Holds, CheckResult.Holds), (credentials.Chain.Result, credentials.Trust.Result));
        Assert.Equal(("maker", "urn:made", 0L), (credentials.Generator, credentials.Manifest, credentials.BytesLeftOut));
        Assert.Equal(["digitalCapture"], credentials.SourceTypes);
    }

    [Fact]
    public void A_signature_by_another_key_fails() =>
        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Fails, Read(new CredentialsMaker { WrongKey = true }));

    [Fact]
    public void An_algorithm_that_is_not_known_is_not_judged()
    {
        var credentials = Read(new CredentialsMaker { Algorithm = -999 });

        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.NotJudged, credentials);
        Assert.Equal("-999", credentials.Algorithm);
    }

    [Fact]
    public void A_key_of_another_kind_than_the_algorithm_is_not_judged() =>
        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.NotJudged, Read(new CredentialsMaker { Algorithm = -37 }));

    [Fact]
    public void Hashes_that_are_not_known_are_not_judged()
    {
        var credentials = Read(new CredentialsMaker { HashName = "md5" });
        AssertAll(CheckResult.NotJudged, CheckResult.Holds, CheckResult.Holds, credentials);
    }

    [Fact]
    public void A_claim_inside_its_signature_is_not_the_one_beside_it() => Assert.Equal(CheckResult.Fails, Read(new CredentialsMaker { Attached = true }).Signature.Result);

    [Theory]
    [InlineData("self#jumbf=c2pa.assertions/c2pa.actions")]
    [InlineData("self#jumbf=/c2pa/urn:other/c2pa.signature")]
    [InlineData("https://example.com/signature")]
    public void A_claim_that_names_another_signature_is_not_signed_by_this_one(string address) =>
        Assert.Equal(CheckResult.Fails, Read(new CredentialsMaker { SignatureAddress = address }).Signature.Result);

    [Fact]
    public void An_address_may_begin_with_the_store() =>
        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Holds, Read(new CredentialsMaker { SignatureAddress = "self#jumbf=/c2pa/urn:made/c2pa.signature" }));

    [Fact]
    public void A_certificate_that_has_expired_is_not_trusted_now()
    {
        var credentials = Read(new CredentialsMaker { NotAfter = CredentialsMaker.Now.AddDays(-1) });

        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Holds, credentials);
        Assert.Equal((CheckResult.Holds, CheckResult.NotJudged), (credentials.Chain.Result, credentials.Trust.Result));
        Assert.Contains("NotTimeValid", credentials.Trust.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signer_must_have_been_valid_when_it_was_signed()
    {
        using var chain = CertificateChain.Read([System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(CredentialsMaker.IntermediatePem).RawData]);

        Assert.Equal(CheckResult.Holds, chain.CheckValidity(CredentialsMaker.Now).Result);
        Assert.Equal(CheckResult.Fails, chain.CheckValidity(CredentialsMaker.Now.AddYears(11)).Result);
        Assert.Equal(CheckResult.Fails, chain.CheckValidity(CredentialsMaker.Now.AddYears(-11)).Result);
        Assert.Equal(CheckResult.NotJudged, chain.CheckValidity(null).Result);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1.3.6.1.5.5.7.3.1")]
    public void A_certificate_that_is_for_something_else_is_not_trusted(string? use)
    {
        var credentials = Read(new CredentialsMaker { Use = use });
        Assert.Equal(new CredentialsCheck(CheckResult.NotJudged, "the signer's certificate is not meant for signing claims"), credentials.Trust);
        Assert.Equal(CheckResult.Holds, credentials.Signature.Result);
    }

    [Fact]
    public void An_issuer_of_the_right_name_and_another_key_is_seen()
    {
        var credentials = Read(new CredentialsMaker { WrongIssuer = true });

        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "certificate 1 is not signed by certificate 2"), credentials.Chain);
        Assert.Equal(CheckResult.NotJudged, credentials.Trust.Result);
        Assert.Equal(CheckResult.Holds, credentials.Signature.Result);
    }

    [Fact]
    public void A_root_of_the_right_name_and_another_key_does_not_vouch()
    {
        var others = TrustList.Read(CredentialsMaker.OtherRootPem);
        Assert.Equal(CheckResult.NotJudged, CredentialsReader.Read(new CredentialsMaker().Sign(Picture), others, CredentialsMaker.Now)!.Trust.Result);
    }

    [Fact]
    public void Who_vouches_for_himself_is_not_judged()
    {
        var credentials = Read(new CredentialsMaker { SelfSigned = true });

        AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Holds, credentials);
        Assert.Equal((CheckResult.NotJudged, CheckResult.NotJudged), (credentials.Chain.Result, credentials.Trust.Result));
        Assert.True(Assert.Single(credentials.Certificates).SelfIssued);
    }

    [Fact]
    public void A_claim_without_a_binding_is_tied_to_nothing() =>
        AssertAll(CheckResult.Fails, CheckResult.Holds, CheckResult.Holds, Read(new CredentialsMaker { BindingLabels = [] }));

    [Fact]
    public void Two_bindings_are_one_too_many() =>
        AssertAll(CheckResult.Fails, CheckResult.Holds, CheckResult.Holds, Read(new CredentialsMaker { BindingLabels = ["c2pa.hash.data", "c2pa.hash.data__1"] }));

    [Theory]
    [InlineData("c2pa.hash.boxes")]
    [InlineData("c2pa.hash.bmff.v3")]
    public void A_binding_of_another_kind_is_not_judged(string label) =>
        AssertAll(CheckResult.NotJudged, CheckResult.Holds, CheckResult.Holds, Read(new CredentialsMaker { BindingLabels = [label] }));

    public static TheoryData<string, ulong, ulong> WrongRanges => new()
    {
        { "overlap", 3, 10 },
        { "past the end", 100, ulong.MaxValue },
        { "past the end", ulong.MaxValue, 1 },
        { "past the end", ulong.MaxValue - 3, 8 },
        { "past the end", 1 << 30, 0 },
    };

    [Theory]
    [MemberData(nameof(WrongRanges))]
    public void Ranges_left_out_have_to_lie_apart_and_inside(string problem, ulong start, ulong length)
    {
        var binding = Read(new CredentialsMaker { Exclusions = store => [store, (start, length)] }).Binding;

        Assert.Equal(CheckResult.Fails, binding.Result);
        Assert.Contains(problem, binding.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_binding_over_the_credentials_themselves_cannot_hold() =>
        AssertAll(CheckResult.Fails, CheckResult.Holds, CheckResult.Holds, Read(new CredentialsMaker { Exclusions = static _ => [] }));

    /// <summary>Whoever signs may leave out as much as he likes: so it is counted.</summary>
    [Fact]
    public void What_else_is_left_out_is_counted()
    {
        var file = new CredentialsMaker { TailLeftOut = 500 }.Sign(Picture);
        file[^40] ^= 1;
        var credentials = Read(file);

        Assert.Equal((CheckResult.Holds, 500L), (credentials.Binding.Result, credentials.BytesLeftOut));
        Assert.Contains("500 bytes", credentials.Binding.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_assertion_that_the_claim_does_not_name_is_seen()
    {
        var credentials = Read(new CredentialsMaker { Strays = [("c2pa.actions__1", CredentialsMaker.Actions("c2pa.edited", "digitalCapture"))] });

        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "c2pa.assertions/c2pa.actions__1 is not named by the claim"), credentials.Assertions);
    }

    [Theory]
    [InlineData("self#jumbf=c2pa.assertions/c2pa.nothing", "c2pa.assertions/c2pa.nothing, which the claim names, is missing")]
    [InlineData("self#jumbf=c2pa.assertions/c2pa.actions", "the claim names c2pa.assertions/c2pa.actions twice")]
    [InlineData("self#jumbf=/c2pa/urn:other/c2pa.assertions/c2pa.actions", "the claim names an assertion of another manifest")]
    [InlineData("self#jumbf=/c2pa/urn:made/c2pa.claim.v2", "c2pa.claim.v2, which the claim names, is missing")]
    [InlineData("https://example.com/", "the claim names an assertion of another manifest")]
    public void Whatever_else_the_claim_names_has_to_be_there(string address, string reason) =>
        Assert.Equal(new CredentialsCheck(CheckResult.Fails, reason), Read(new CredentialsMaker { MoreAddresses = [address] }).Assertions);

    [Fact]
    public void Two_assertions_of_one_label_cannot_be_told_apart() => Assert.Equal(
        new CredentialsCheck(CheckResult.Fails, "two boxes have the same label"),
        Read(new CredentialsMaker { Strays = [("c2pa.actions", [0xA0])] }).Reading);

    [Fact]
    public void A_compressed_manifest_is_not_judged() => Assert.Equal(CheckResult.NotJudged, Read(new CredentialsMaker { ManifestType = "c2cm" }).Reading.Result);

    [Fact]
    public void Of_many_actions_the_first_are_told()
    {
        var writer = new CborWriter();
        writer.WriteStartMap(1);
        writer.WriteTextString("actions");
        writer.WriteStartArray(100);
        for (int i = 0; i < 100; i++)
        {
            writer.WriteStartMap(1);
            writer.WriteTextString("action");
            writer.WriteTextString($"c2pa.action{i % 50}");
            writer.WriteEndMap();
        }

        writer.WriteEndArray();
        writer.WriteEndMap();
        Assert.Equal(Enumerable.Range(0, 16).Select(static i => $"c2pa.action{i}"), Read(new CredentialsMaker { Assertions = [("c2pa.actions.v2", writer.Encode())] }).Actions);
    }

    public static TheoryData<byte[]> NotCbor => new((byte[][])[[], [0xFF], [0x5F, 0x41], [0xBF], [0xA1, 0x61, 0x61], [0xA2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02], [0xA0, 0xA0], [0x7B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]);

    [Theory]
    [MemberData(nameof(NotCbor))]
    public void CBOR_that_is_none_makes_them_unreadable(byte[] content) =>
        Assert.Equal(CheckResult.Fails, Read(new CredentialsMaker { Assertions = [("c2pa.actions", content)] }).Reading.Result);

    [Fact]
    public void CBOR_is_followed_only_so_deep()
    {
        // Arrays of one, a hundred thousand inside one another.
        byte[] deep = [.. Enumerable.Repeat((byte)0x81, 100_000), 0x00];
        Assert.Equal("CBOR is nested too deep, or has too many values", Read(new CredentialsMaker { Assertions = [("c2pa.actions", deep)] }).Reading.Reason);

        byte[] wide = [0x9A, 0x00, 0x01, 0x86, 0xA0, .. new byte[100_000]];
        Assert.Equal("CBOR is nested too deep, or has too many values", Read(new CredentialsMaker { Assertions = [("c2pa.actions", wide)] }).Reading.Reason);
    }

    [Fact]
    public void Boxes_inside_boxes_are_not_followed()
    {
        byte[] inner = CredentialsMaker.Superbox("c2ma", "urn:deep");
        for (int i = 0; i < 500; i++)
        {
            inner = CredentialsMaker.Superbox("c2ma", "urn:deep", inner);
        }

        Assert.Equal(new CredentialsCheck(CheckResult.Fails, "the manifest has no claim"), ReadStore(CredentialsMaker.Superbox("c2pa", "c2pa", inner)).Reading);
    }

    public static TheoryData<string, byte[]> WrongLengths => new()
    {
        { "a box claims 4294967295 bytes", [0xFF, 0xFF, 0xFF, 0xFF, .. "jumb"u8] },
        { "a box claims 18446744073709551615 bytes", [0, 0, 0, 1, .. "jumb"u8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
        { "a box claims 7 bytes", [0, 0, 0, 7, .. "jumb"u8] },
        { "a box claims 15 bytes", [0, 0, 0, 1, .. "jumb"u8, 0, 0, 0, 0, 0, 0, 0, 15] },
        { "a box is cut short", [0, 0, 0, 8] },
        { "a box is cut short", [0, 0, 0, 1, .. "jumb"u8, 0] },
    };

    [Theory]
    [MemberData(nameof(WrongLengths))]
    public void Lengths_that_cannot_be_are_told(string problem, byte[] box)
    {
        var reading = ReadStore(CredentialsMaker.Superbox("c2pa", "c2pa", box)).Reading;

        Assert.Equal(CheckResult.Fails, reading.Result);
        Assert.StartsWith(problem, reading.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Stores_without_what_makes_them_one_are_told()
    {
        Assert.Equal("the store has no manifest", ReadStore(CredentialsMaker.Superbox("c2pa", "c2pa")).Reading.Reason);
        Assert.Equal("the outermost box is no manifest store", ReadStore(CredentialsMaker.Superbox("c2pa", "c2pb")).Reading.Reason);
        Assert.Equal("the manifest has no claim", ReadStore(CredentialsMaker.Superbox("c2pa", "c2pa", CredentialsMaker.Superbox("c2ma", "urn:made"))).Reading.Reason);
    }

    /// <summary>What is hashed is hashed once, however often it is named: else a small file would cost as much as a large one, squared.</summary>
    [Fact]
    public void Many_addresses_of_one_large_assertion_do_not_multiply_the_work()
    {
        byte[] large = [0x5A, 0x00, 0x10, 0x00, 0x00, .. new byte[1 << 20]];
        var maker = new CredentialsMaker { Assertions = [("large", large)], MoreAddresses = [.. Enumerable.Repeat("self#jumbf=c2pa.assertions/large", 4000)] };
        var file = maker.Sign(Picture);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal("the claim names c2pa.assertions/large twice", Read(file).Assertions.Reason);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void Other_boxes_in_APP11_are_not_credentials()
    {
        byte[][] others =
        [
            CredentialsMaker.Segments(CredentialsMaker.Superbox("json", "c2pa")),
            CredentialsMaker.Segments(CredentialsMaker.Box("free", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])),
            [0xFF, 0xEB, 0, 2],
            [0xFF, 0xEB, 0, 4, (byte)'J', (byte)'P'],
            [0xFF, 0xEB, 0, 12, .. "HDR_RI ver"u8],
        ];
        Assert.All(others, static other => Assert.Null(CredentialsReader.Read(CredentialsMaker.Insert(Picture, other), null, CredentialsMaker.Now)));

        // And they do not stand in the way of those that are.
        foreach (var other in others)
        {
            var file = CredentialsMaker.Insert(new CredentialsMaker().Sign(CredentialsMaker.Insert(Picture, other)), []);
            AssertAll(CheckResult.Holds, CheckResult.Holds, CheckResult.Holds, Read(file));
        }
    }

    public static TheoryData<byte[]> Stumps => new((byte[][])
    [
        [], [0xFF], [0xFF, 0xD8, 0xFF], [0xFF, 0xD8, 0xFF, 0xEB], [0xFF, 0xD8, 0xFF, 0xEB, 0xFF], [0xFF, 0xD8, 0xFF, 0xEB, 0xFF, 0xFF], [0xFF, 0xD8, 0xFF, 0xEB, 0, 0], [0xFF, 0xD8, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A], [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, .. "caBX"u8, 0, 0, 0, 0], [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 0x7F, 0xFF, 0xFF, 0xFF, .. "caBX"u8, 0, 0, 0, 0],
        [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBP"u8], [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPC2PA"u8, 0xFF, 0xFF, 0xFF, 0xFF], [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPC2PA"u8, 0xFF, 0xFF, 0xFF, 0x7F], [.. "RIFF"u8, 0, 0],
    ]);

    [Theory]
    [MemberData(nameof(Stumps))]
    public void Stumps_of_files_have_none(byte[] file) => Assert.Null(CredentialsReader.Read(file, null, CredentialsMaker.Now));

    [Fact]
    public void Chunks_without_a_store_are_told()
    {
        byte[] png = [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 0, 0, 0, 0, .. "caBX"u8, 0, 0, 0, 0];
        byte[] webp = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPC2PA"u8, 0, 0, 0, 0];
        Assert.Equal("a box is cut short", Read(png).Reading.Reason);
        Assert.Equal("a box is cut short", Read(webp).Reading.Reason);
    }

    /// <summary>What every frame of a camera pays.</summary>
    [Theory]
    [InlineData("plain.jpg")]
    [InlineData("../../../samples/authentic-coffee.jpg")]
    [InlineData("../../../samples/authentic-astronaut.png")]
    [InlineData("../preprocess/lossy-320x240.webp")]
    public void Looking_for_credentials_that_are_not_there_allocates_nothing(string name)
    {
        var file = File.ReadAllBytes(TestData.Golden("provenance", name));
        Assert.Null(CredentialsReader.Read(file, Trust, CredentialsMaker.Now));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            CredentialsReader.Read(file, Trust, CredentialsMaker.Now);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
