using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.Provenance;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>What files say of themselves goes beside what was found in them.</summary>
public sealed class EngineProvenanceTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private static EncodedInput File(string name) => new(System.IO.File.ReadAllBytes(TestData.Golden("provenance", name)));

    [Fact]
    public async Task Credentials_are_told_and_the_score_is_what_it_is_without()
    {
        var plain = await nano.Engine.AnalyzedAsync(File("plain.jpg"), Frames.WithMask);
        var signed = await nano.Engine.AnalyzedAsync(File("es256.jpg"), Frames.WithMask);

        Assert.Equal((JpegTables.Other, 0, null, null), (plain.Provenance!.JpegTables, plain.Provenance.JpegQuality, plain.Provenance.Credentials, plain.Provenance.Software));
        var credentials = signed.Provenance!.Credentials!;
        Assert.Equal((CheckResult.Holds, CheckResult.Holds, CheckResult.NotJudged), (credentials.Binding.Result, credentials.Signature.Result, credentials.Trust.Result));
        Assert.Equal((plain.Score, plain.Logit, plain.Verdict), (signed.Score, signed.Logit, signed.Verdict));
        Assert.Equal(plain.Mask!.Data.ToArray(), signed.Mask!.Data.ToArray());
    }

    [Fact]
    public async Task A_file_that_says_nothing_has_none()
    {
        Assert.Null((await nano.Engine.AnalyzedAsync(Frames.Sample("authentic-astronaut.png"))).Provenance);
        Assert.Null((await nano.Engine.AnalyzedAsync(new RawInput(new byte[64 * 64 * 3], new RawLayout(PixelFormat.Bgr24, 64, 64, [], YuvMatrix.Bt601, YuvRange.Limited)))).Provenance);
    }

    /// <summary>Most pictures of a stream: nothing is made for one of them alone.</summary>
    [Fact]
    public async Task Frames_whose_tables_alone_are_told_share_what_tells_it()
    {
        var first = await nano.Engine.AnalyzedAsync(Frames.Sample("authentic-coffee.jpg"));
        var second = await nano.Engine.AnalyzedAsync(Frames.Sample("authentic-coffee.jpg"));

        Assert.Equal(JpegTables.Libjpeg, first.Provenance!.JpegTables);
        Assert.InRange(first.Provenance.JpegQuality, 1, 100);
        Assert.Same(first.Provenance, second.Provenance);
    }

    [Fact]
    public void A_trust_list_that_cannot_be_used_is_told()
    {
        var missing = Assert.Throws<InvalidDataException>(static () => new ProvenanceOptions { TrustList = "/nowhere/roots.pem" }.ReadTrustList());
        Assert.StartsWith("/nowhere/roots.pem cannot be read", missing.Message, StringComparison.Ordinal);
        var wrong = Assert.Throws<InvalidDataException>(static () => new ProvenanceOptions { TrustList = TestData.Golden("provenance", "README.md") }.ReadTrustList());
        Assert.EndsWith("cannot be used: no certificate in PEM is in it", wrong.Message, StringComparison.Ordinal);
        Assert.Null(new ProvenanceOptions().ReadTrustList());
        Assert.NotNull(new ProvenanceOptions { TrustList = TestData.Golden("provenance", "root.pem") }.ReadTrustList());
    }
}
