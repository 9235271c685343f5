using LoupeGrpc.Server.Commands;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Commands;

public class SettingArgumentsTests
{
    [Fact]
    public void Settings_are_taken_out_wherever_they_stand()
    {
        var (settings, others, mistake) = SettingArguments.Extract(
            ["--Loupe:A:B=1", "serve", "--loupe:c", "-2", "--model", "x", "--Loupe:D", "a b", "--Loupe:E="]);
        Assert.Equal(["--Loupe:A:B=1", "--loupe:c=-2", "--Loupe:D=a b", "--Loupe:E="], settings);
        Assert.Equal(["serve", "--model", "x"], others);
        Assert.Null(mistake);
    }

    [Theory]
    [InlineData("--Loupe:A")]
    [InlineData("--Loupe:A", "--model")]
    public void A_setting_without_a_value_is_a_mistake(params string[] arguments) =>
        Assert.Contains("--Loupe:A needs a value", SettingArguments.Extract(arguments).Mistake, StringComparison.Ordinal);
}
