using LoupeGrpc.Results;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class PrintableTests
{
    [Theory]
    [InlineData("a/b c-é-ж-😀.png", "a/b c-é-ж-😀.png")]
    [InlineData("\e[31mred\e[0m", "\uFFFD[31mred\uFFFD[0m")]
    [InlineData("one\r\ntwo\ttab\a\b\u007f", "one\uFFFD\uFFFDtwo\uFFFDtab\uFFFD\uFFFD\uFFFD")]
    // The one-byte form of ESC [, lines by another name, and marks that show gpj.exe as exe.jpg.
    [InlineData("\u009b31m", "\uFFFD31m")]
    [InlineData("a\u2028b\u2029c\u0085d", "a\uFFFDb\uFFFDc\uFFFDd")]
    [InlineData("\u202egpj.exe\u2066\u200f", "\uFFFDgpj.exe\uFFFD\uFFFD")]
    public void A_name_cannot_drive_the_terminal(string name, string shown) => Assert.Equal(shown, Printable.Text(name));

    [Fact]
    public void Bytes_that_are_not_utf8_are_shown_as_such() => Assert.Equal(@"caf\xe9-😀", Printable.Text("caf\uDCE9-😀"));
}
