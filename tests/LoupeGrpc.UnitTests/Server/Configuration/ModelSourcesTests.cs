using LoupeGrpc.Server.Configuration;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

/// <summary>Which models the settings name, and which of them is for those who name none.</summary>
public class ModelSourcesTests
{
    [Theory]
    [InlineData("", "default=")]
    [InlineData("--Loupe:Model:Path=/a", "default=/a")]
    [InlineData("--Loupe:Models:gate:Path=/b --Loupe:Models:Car:Path=/c", "Car=/c gate=/b")]
    [InlineData("--Loupe:Models:gate:Path=/b --Loupe:Model:Path=/a", "default=/a gate=/b")]
    public void The_first_is_for_those_who_name_none(string arguments, string expected)
    {
        var configuration = ConfigurationSources.Build("/nowhere.json", new System.Collections.Hashtable(), arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var options = new LoupeOptions();

        Assert.Empty(SettingsBinder.Bind(configuration, options));

        Assert.Equal(expected, string.Join(' ', options.ModelSources.Select(static source => $"{source.Name}={source.Path}")));
    }
}
