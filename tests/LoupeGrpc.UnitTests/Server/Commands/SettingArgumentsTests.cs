using LoupeGrpc.Server.Commands;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Commands;

public class SettingArgumentsTests
{
    [Fact]
    public void Settings_are_taken_out_wherever_they_stand()
    {
        var (settings, others, error) = SettingArguments.Extract(
            ["--Loupe:A:B=1", "serve", "--loupe:c", "-2", "--model", "x", "--Loupe:D", "a b", "--Loupe:E=", "--logging:LogLevel:X=y"]);
        Assert.Equal(["--Loupe:A:B=1", "--loupe:c=-2", "--Loupe:D=a b", "--Loupe:E=", "--logging:LogLevel:X=y"], settings);
        Assert.Equal(["serve", "--model", "x"], others);
        Assert.Null(error);
    }

    [Theory]
    [InlineData("--Loupe:A")]
    [InlineData("--Loupe:A", "--model")]
    public void A_setting_without_a_value_is_an_error(params string[] arguments) =>
        Assert.Contains("--Loupe:A needs a value", SettingArguments.Extract(arguments).Error, StringComparison.Ordinal);
}
