using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

/// <summary>
/// Documents say what the program does. After a setting has changed: run this with LOUPE_UPDATE_DOCUMENTS=1 in the environment, which writes them anew.
/// </summary>
public class SettingsDocumentsTests
{
    private static readonly bool Update = Environment.GetEnvironmentVariable("LOUPE_UPDATE_DOCUMENTS") == "1";

    [Fact]
    public async Task The_readme_has_the_settings_as_they_are()
    {
        var path = Path.Combine(TestData.RepositoryRoot, "README.md");
        var readme = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        await CheckAsync(path, readme, SettingsDocuments.Readme(readme));
    }

    [Fact]
    public async Task The_reference_has_the_settings_as_they_are()
    {
        var path = Path.Combine(TestData.RepositoryRoot, "docs", "settings.md");
        var reference = File.Exists(path) ? await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken) : string.Empty;
        await CheckAsync(path, reference, SettingsDocuments.Reference());
    }

    private static async Task CheckAsync(string path, string written, string expected)
    {
        if (Update)
        {
            await File.WriteAllTextAsync(path, expected, TestContext.Current.CancellationToken);
        }
        else
        {
            Assert.Equal(expected, written);
        }
    }
}
