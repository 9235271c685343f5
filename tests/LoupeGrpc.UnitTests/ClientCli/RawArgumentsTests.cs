using LoupeGrpc.Client.Cli.CommandLine;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class RawArgumentsTests
{
    [Fact]
    public void The_last_arguments_are_ours_byte_for_byte_and_empty_ones_too() => Assert.Equal(
        ["analyze", "n\uDCE9.jpg", "", "ж"],
        RawArguments.Parse([.. "dotnet\0client.dll\0analyze\0n"u8, 0xE9, .. ".jpg\0\0ж\0"u8], 4));

    [Fact]
    public void Arguments_that_are_text_stay_as_they_are()
    {
        string[] args = ["analyze", "é.jpg"];

        Assert.Same(args, RawArguments.Of(args));
    }
}
