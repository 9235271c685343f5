using System.Text;
using LoupeGrpc.Results;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Files;

public class PathTextTests
{
    public static TheoryData<byte[], string> Names => new()
    {
        { "a/b.png"u8.ToArray(), "a/b.png" },
        { "café"u8.ToArray(), "café" },
        { "😀.png"u8.ToArray(), "😀.png" },
        { [(byte)'c', (byte)'a', (byte)'f', 0xE9], @"caf\xe9" },
        // Half of a character, one that is too long, a surrogate.
        { [0xC3, (byte)'/', 0xE2, 0x82, (byte)'x'], @"\xc3/\xe2\x82x" },
        { [0xC0, 0xAF, 0xED, 0xA0, 0x80], @"\xc0\xaf\xed\xa0\x80" },
        // Names that look like the escape, and those that do not.
        { @"a\xe9.jpg"u8.ToArray(), @"a\x5cxe9.jpg" },
        { @"a\x5cxe9.jpg"u8.ToArray(), @"a\x5cx5cxe9.jpg" },
        { @"a\b\xE9\x.jpg"u8.ToArray(), @"a\b\xE9\x.jpg" },
        { [(byte)'\\', 0xE9, (byte)'\\', (byte)'x', 0xFF], @"\\xe9\x\xff" },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_name_is_shown_so_that_it_can_be_had_back(byte[] name, string shown)
    {
        var text = PathText.FromBytes(name);

        Assert.Equal(shown, PathText.Show(text));
        Assert.Equal(text, PathText.Parse(shown));
        Assert.Equal([.. name, 0], PathText.ToBytes(text));
        // What is shown can be written as UTF-8.
        Assert.Equal(shown, Encoding.UTF8.GetString(new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(shown)));
    }

    [Fact]
    public void Bytes_of_every_kind_come_back()
    {
        var random = new Random(7);
        // Bytes that meet each other in interesting ways.
        byte[] alphabet = [(byte)'a', (byte)'x', (byte)'\\', (byte)'5', (byte)'c', 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, 0xED, 0xB2, 0xFF];
        for (var i = 0; i < 5000; i++)
        {
            var name = random.GetItems(alphabet, random.Next(1, 12));

            var text = PathText.FromBytes(name);

            Assert.Equal([.. name, 0], PathText.ToBytes(text));
            Assert.Equal(text, PathText.Parse(PathText.Show(text)));
        }
    }
}
