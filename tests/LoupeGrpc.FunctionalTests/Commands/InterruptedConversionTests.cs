using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Commands;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Commands;

public class InterruptedConversionTests
{
    [Theory]
    [InlineData("laying out the graphs")]
    [InlineData("writing weights")]
    [InlineData("recording the self-check")]
    public async Task Nothing_is_left_behind(string line)
    {
        using var temporary = new TemporaryDirectory();
        using var interruption = new CancellationTokenSource();
        await using var output = new StringWriter();
        await using var error = new InterruptingWriter(line, interruption);
        var code = await ServerCommandLine.RunAsync(
            [
                "convert", "--weights", TestData.Golden("tiny", "tiny-s", "model.safetensors"),
                "--config", TestData.Golden("tiny", "tiny-s", "config.json"), "--output", temporary["package"],
            ],
            output, error, interruption.Token);
        Assert.Equal((130, string.Empty), (code, output.ToString()));
        Assert.Empty(Directory.GetFileSystemEntries(temporary.FullName));
    }

    /// <summary>Interrupts when a line is written that holds the text.</summary>
    private sealed class InterruptingWriter(string text, CancellationTokenSource interruption) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value!.Contains(text, StringComparison.Ordinal))
            {
                interruption.Cancel();
            }
        }
    }
}
