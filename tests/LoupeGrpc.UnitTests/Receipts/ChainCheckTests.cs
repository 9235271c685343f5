using LoupeGrpc.Receipts;
using Xunit;

namespace LoupeGrpc.UnitTests.Receipts;

/// <summary>What shows when receipts of a session are taken out, put in or changed.</summary>
public sealed class ChainCheckTests : IDisposable
{
    private readonly ReceiptSigningKey _key = ReceiptSigningKey.Create(out _);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Whole_chains_hold_in_any_order_and_twice()
    {
        List<Receipt> two = [.. ReceiptExamples.Chain(_key, 5), .. ReceiptExamples.Chain(_key, 3, "s2"), .. ReceiptExamples.Chain(_key, 1, session: null, ends: false)];
        Assert.Empty(ChainCheck.Examine(two));
        Assert.Empty(ChainCheck.Examine(Enumerable.Reverse(two)));
        Assert.Empty(ChainCheck.Examine(two.Concat(two)));
    }

    [Theory]
    [InlineData(0, "receipt 0 is missing")]
    [InlineData(2, "receipt 2 is missing")]
    [InlineData(4, "receipt 4 is missing")]
    public void One_that_was_taken_out_shows(int index, string message)
    {
        var chain = ReceiptExamples.Chain(_key, 5);
        chain.RemoveAt(index);
        var finding = Assert.Single(ChainCheck.Examine(chain));
        Assert.Equal((true, message, "s1"), (finding.IsBroken, finding.Message, finding.Session?.Id));
    }

    [Fact]
    public void Several_are_told_at_once()
    {
        var chain = ReceiptExamples.Chain(_key, 8);
        chain.RemoveRange(2, 4);
        Assert.Equal(["receipts 2 to 5 are missing"], ChainCheck.Examine(chain).Select(static finding => finding.Message));
    }

    [Fact]
    public void Without_an_end_it_cannot_be_told_whether_more_followed()
    {
        var finding = Assert.Single(ChainCheck.Examine(ReceiptExamples.Chain(_key, 3, ends: false)));
        Assert.Equal((false, "it has no end: receipts behind number 2 may be missing"), (finding.IsBroken, finding.Message));
    }

    [Fact]
    public void One_from_another_signing_of_the_same_place_shows()
    {
        var place = new ReceiptPlace("0123456789abcdef0123456789abcdef", 0, null);
        var chain = ReceiptExamples.Chain(_key, 4, chain: ReceiptChain.GoOn(place));
        var other = ReceiptExamples.Chain(_key, 4, "s2", chain: ReceiptChain.GoOn(place));
        chain[2] = other[2];
        Assert.Equal(
            ["receipt 2 is of session s2, the first of session s1", "receipt 2 does not follow receipt 1: it names another", "receipt 3 does not follow receipt 2: it names another"],
            ChainCheck.Examine(chain).Select(static finding => finding.Message));
    }

    [Fact]
    public void Two_in_the_same_place_show()
    {
        var place = new ReceiptPlace("0123456789abcdef0123456789abcdef", 0, null);
        var chain = ReceiptExamples.Chain(_key, 3, chain: ReceiptChain.GoOn(place));
        chain.AddRange(ReceiptExamples.Chain(_key, 2, "s1", ends: false, ReceiptChain.GoOn(place)).Take(1));
        Assert.Empty(ChainCheck.Examine(chain));
        var forged = ReceiptExamples.Chain(_key, 1, "s3", ends: false, ReceiptChain.GoOn(place));
        Assert.Contains(ChainCheck.Examine(chain.Concat(forged)), static finding => finding is { IsBroken: true, Message: "there are two receipts 0, and they say different things" });
    }

    [Fact]
    public void A_chain_goes_on_where_another_writer_ended_or_names_what_is_known_of_it()
    {
        var chain = ReceiptChain.Begin();
        var before = ReceiptExamples.Chain(_key, 3, ends: false, chain: chain);
        Assert.Empty(ChainCheck.Examine([.. before, .. ReceiptExamples.Chain(_key, 2, chain: ReceiptChain.GoOn(chain.Place))]));

        var after = ReceiptExamples.Chain(_key, 2, chain: ReceiptChain.BeginAfter(chain.Place));
        Assert.Equal(chain.Place, after[0].Link.Follows);
        Assert.Null(after[1].Link.Follows);
        Assert.NotEqual(chain.Place.Id, after[0].Link.Id);
    }
}
