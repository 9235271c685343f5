using System.Collections;
using LoupeGrpc.Server.Configuration;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

public sealed class LoupeOptionsReaderTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Without_any_setting_everything_has_its_default()
    {
        var (options, mistakes) = Read();
        Assert.Empty(mistakes);
        var defaults = new LoupeOptions();
        Assert.Equal(defaults.Endpoints, options.Endpoints);
        // An address cannot be looked into.
        Assert.Equivalent(defaults with { Endpoints = null! }, options with { Endpoints = null! }, strict: true);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        File.WriteAllText(_file, """{ "Loupe": { "Limits": { "Credits": 1, "MaxSessions": 1, "MaxSide": 1 } } }""");
        var (options, mistakes) = Read(
            new Hashtable { ["Loupe__Limits__MaxSessions"] = "2", ["LOUPE__LIMITS__MAXSIDE"] = "2" }, "--Loupe:Limits:MaxSide=3");
        Assert.Empty(mistakes);
        Assert.Equal((1, 2, 3), (options.Limits.Credits, options.Limits.MaxSessions, options.Limits.MaxSide));
        Assert.Equal(3, options.Engine.Limits.MaxSide);
    }

    [Fact]
    public void Each_mistake_says_what_is_wanted_and_where_it_stands()
    {
        File.WriteAllText(_file, """{ "Loupe": { "Limits": { "Credits": "many" }, "Admin": { "Enabled": "yes" }, "Modell": { "Path": "x" } } }""");
        var (_, mistakes) = Read(new Hashtable { ["Loupe__Thresholds__High"] = "1.5" }, "--Loupe:Limits:MaxFrameBytes=99");
        Assert.Equal(
            [
                $"Loupe:Admin:Enabled is 'yes' ({Path.GetFileName(_file)}): true or false is wanted.",
                $"Loupe:Limits:Credits is 'many' ({Path.GetFileName(_file)}): a whole number from 1 to 4096 is wanted.",
                "Loupe:Limits:MaxFrameBytes is '99' (command line): a whole number from 1024 to 1073741824 is wanted.",
                $"Loupe:Modell:Path ({Path.GetFileName(_file)}) is no setting; the nearest is Loupe:Model:Path.",
                "Loupe:Thresholds:High is '1.5' (environment): a number from 0 to 1 is wanted.",
            ],
            mistakes.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("20", 20)]
    [InlineData("0.5", 0.5)]
    [InlineData("00:01:30", 90)]
    [InlineData("00:00:00.25", 0.25)]
    public void A_duration_is_seconds_or_a_clock(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Read(null, $"--Loupe:Shutdown:DrainTimeout={text}").Options.Shutdown.DrainTimeout);

    [Theory]
    [InlineData("-1")]
    [InlineData("1e400")]
    [InlineData("99999999999999999999")]
    [InlineData("1.00:00:00")]
    [InlineData("soon")]
    public void What_is_no_duration_is_a_mistake(string text) =>
        Assert.Single(Read(null, $"--Loupe:Shutdown:DrainTimeout={text}").Mistakes);

    [Fact]
    public void Every_setting_is_described_once_with_its_default_and_its_range()
    {
        var settings = LoupeOptionsReader.Describe();
        Assert.Equal(settings.Count, settings.DistinctBy(static setting => setting.Name).Count());
        Assert.All(settings, static setting => Assert.All([setting.Default, setting.Wanted, setting.Meaning], static text => Assert.NotEmpty(text)));
    }

    [Fact]
    public void Every_default_is_within_its_own_range()
    {
        // A default that is shown can be written down as it is, but for the paths' descriptions.
        var settings = LoupeOptionsReader.Describe().Where(static setting => setting.Wanted != "text" && !setting.Name.Contains(":N:", StringComparison.Ordinal));
        var (options, mistakes) = Read(null, [.. settings.Select(static setting => $"--Loupe:{setting.Name}={setting.Default.TrimEnd(' ', 's')}")]);
        Assert.Empty(mistakes);
        var defaults = new LoupeOptions();
        Assert.Equal(defaults.Endpoints, options.Endpoints);
        // An address cannot be looked into.
        Assert.Equivalent(defaults with { Endpoints = null! }, options with { Endpoints = null! }, strict: true);
    }

    [Fact]
    public void A_file_that_is_not_json_is_named()
    {
        File.WriteAllText(_file, "{");
        Assert.Contains(_file, Assert.Throws<InvalidDataException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_that_would_move_the_server_elsewhere_are_found() => Assert.Equal(
        ["ASPNETCORE_URLS", "DOTNET_HTTP_PORTS"],
        ConfigurationSources.IgnoredAddressVariables(
            new Hashtable { ["ASPNETCORE_URLS"] = "http://*:80", ["DOTNET_HTTP_PORTS"] = "8080", ["HTTP_PORTS"] = "", ["PATH"] = "/bin" }));

    private (LoupeOptions Options, IReadOnlyList<string> Mistakes) Read(IDictionary? environment = null, params string[] arguments) =>
        LoupeOptionsReader.Read(ConfigurationSources.Build(_file, environment ?? new Hashtable(), arguments));
}
