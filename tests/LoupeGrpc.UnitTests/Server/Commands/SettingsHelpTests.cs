using LoupeGrpc.Server.Commands;
using LoupeGrpc.Server.Configuration;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Commands;

public class SettingsHelpTests
{
    [Fact]
    public async Task Every_setting_has_one_line_with_its_range_and_default_and_no_line_is_too_long()
    {
        await using var output = new StringWriter();
        Assert.Equal(0, await ServerCommandLine.RunAsync(["serve", "--help"], output, TextWriter.Null, TestContext.Current.CancellationToken));
        var lines = output.ToString().Split(Environment.NewLine);
        Assert.All(lines, static line => Assert.True(line.Length <= SettingsHelp.Width, line));
        Assert.All(SettingDescription.All, setting =>
        {
            var line = Assert.Single(lines, line => line.StartsWith($"    {setting.Name} ", StringComparison.Ordinal));
            Assert.EndsWith($"{(setting.Range.Length > 0 ? $" ({setting.Range})" : string.Empty)} [{setting.Default}]", line, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("sevre", "Did you mean serve?")]
    [InlineData("--lisen", "Did you mean --listen?")]
    [InlineData("--modle=x", "Did you mean --model?")]
    public async Task A_word_that_is_nearly_one_of_ours_gets_a_suggestion(string word, string suggestion)
    {
        await using var error = new StringWriter();
        Assert.Equal(ExitCode.Usage, await ServerCommandLine.RunAsync([word], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Contains($" {suggestion}{Environment.NewLine}", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("--x")]
    public async Task Another_word_gets_none(string word)
    {
        await using var error = new StringWriter();
        Assert.Equal(ExitCode.Usage, await ServerCommandLine.RunAsync([word], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.DoesNotContain("Did you mean", error.ToString(), StringComparison.Ordinal);
    }
}
