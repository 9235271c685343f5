using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Output;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class TableWriterTests
{
    [Fact]
    public void Columns_stand_below_their_heads_and_the_path_is_last() => Assert.Equal(
        """
        VERDICT       SCORE   FORGED  REGIONS       MS  PATH
        MANIPULATED  0.9312    4.0 %        1     12.5  a/b.png
        FAILED                                          a/b.png: NOT_FOUND, there is nothing at this path

        """,
        Written(withTime: false, Rows.Result(), Rows.Failed(LoupeFailureCode.NotFound, "there is nothing at this path")));

    [Fact]
    public void Streams_have_a_column_for_the_time() => Assert.Equal(
        """
        VERDICT           TIME   SCORE   FORGED  REGIONS       MS  PATH
        MANIPULATED     1.25 s  0.9312    4.0 %        1     12.5  clip.avi
        DROPPED         1.50 s                                     camera:0: SUPERSEDED after 12 ms

        """,
        Written(withTime: true, Rows.Result("clip.avi", seconds: 1.25), Rows.Dropped()));

    [Fact]
    public void A_name_cannot_drive_the_terminal()
    {
        var text = Written(withTime: false, Rows.Result("\u001b[31mred\r.png"));

        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain('\r', text);
    }

    private static string Written(bool withTime, params OutcomeRow[] rows)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var writer = new TableWriter(output, terminal: null, withTime);
        foreach (var row in rows)
        {
            writer.Write(row);
        }

        return output.ToString();
    }
}
