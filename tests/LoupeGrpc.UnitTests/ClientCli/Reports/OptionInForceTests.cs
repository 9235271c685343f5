using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Reports;

/// <summary>What a report says of the command line.</summary>
public class OptionInForceTests
{
    [Fact]
    public void Options_have_their_values_and_no_secret_is_among_them()
    {
        var options = Of(
            "--server", "https://user:secret@example.org:7000/path", "--key", "secret", "--header", "authorization=Basic secret==", "--header", "x-a=secret b=secret", "--thresholds", "0.2,0.8", "--save-masks");

        Assert.DoesNotContain(options, static option => option.Value.Contains("secret", StringComparison.Ordinal));
        Assert.Equal(
            ["--server https://example.org:7000", "--key (not shown)", "--header authorization=(not shown) x-a=(not shown)", "--thresholds 0.2,0.8", "--save-masks "],
            options.Where(static option => option.IsGiven).Select(static option => $"{option.Name} {option.Value}"));
    }

    [Fact]
    public void Defaults_are_told_as_such_without_what_is_off()
    {
        var options = Of();

        Assert.All(options, static option => Assert.False(option.IsGiven));
        Assert.Contains(new OptionInForce("--mask", "suspected", IsGiven: false), options);
        // Of the environment.
        Assert.Contains(new OptionInForce("--server", "http://example.org", IsGiven: false), options);
        Assert.DoesNotContain(options, static option => option.Name is "--save-masks" or "--key" or "--thresholds");
    }

    [Theory]
    [InlineData("report.html", true)]
    [InlineData("report.HTM", true)]
    [InlineData("holiday.jpg", false)]
    [InlineData("report", false)]
    public void A_report_does_not_take_the_place_of_a_picture_by_a_slip(string file, bool isRight) =>
        Assert.Equal(isRight, Parse("--report", file).Errors.Count == 0);

    private static IReadOnlyList<OptionInForce> Of(params string[] arguments) => OptionInForce.Of(Parse(arguments));

    private static ParseResult Parse(params string[] arguments)
    {
        var host = new CliHost(Stream.Null, TextWriter.Null, Stream.Null) { ServerFromEnvironment = "http://user:secret@example.org" };
        var command = new Command("analyze");
        new AnalysisOptionSet(host, "", explains: false).AddTo(command);
        return command.Parse(arguments);
    }
}
