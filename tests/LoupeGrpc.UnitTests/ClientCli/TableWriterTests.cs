using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Output;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class TableWriterTests
{
    [Fact]
    public void Columns_stand_below_their_heads_and_the_path_is_last() => Assert.Equal(
        """
        VERDICT       SCORE   FORGED  REGIONS       MS     WAIT  PATH
        MANIPULATED  0.9312    4.0 %        1      2.0     10.5  a/b.png
        FAILED                                                   a/b.png: NOT_FOUND, there is nothing at this path

        """,
        Written(withTime: false, Rows.Result(), Rows.Failed(LoupeFailureCode.NotFound, "there is nothing at this path")));

    [Fact]
    public void Streams_have_a_column_for_the_time() => Assert.Equal(
        """
        VERDICT           TIME   SCORE   FORGED  REGIONS       MS     WAIT  PATH
        MANIPULATED     1.25 s  0.9312    4.0 %        1      2.0     10.5  clip.avi
        DROPPED         1.50 s                                              camera:0: SUPERSEDED after 12 ms

        """,
        Written(withTime: true, Rows.Result("clip.avi", seconds: 1.25), Rows.Dropped()));

    [Fact]
    public void A_verdict_over_time_stands_behind_the_path() => Assert.Equal(
        """
        VERDICT           TIME   SCORE   FORGED  REGIONS       MS     WAIT  PATH
        MANIPULATED     1.25 s  0.9312    4.0 %        1      2.0     10.5  clip.avi  [over time AUTHENTIC 0.3750]

        """,
        Written(withTime: true, Rows.Result("clip.avi", Rows.OverTime(LoupeGrpc.V1.Verdict.Authentic, 0.375f), 1.25)));

    [Fact]
    public void Without_a_mask_nothing_is_said_about_it() => Assert.Equal(
        """
        VERDICT       SCORE   FORGED  REGIONS       MS     WAIT  PATH
        AUTHENTIC    0.1000        -        -     40.0      2.5  a/b.png
        MANIPULATED  0.9312    0.0 %        0      2.0     10.5  a/b.png

        """,
        Written(
            withTime: false,
            Rows.Result(change: result =>
            {
                (result.Score, result.Verdict, result.Mask) = (0.1f, LoupeGrpc.V1.Verdict.Authentic, null);
                result.Regions.Clear();
                result.Timings = new LoupeGrpc.V1.StageTimings { DecodeMs = 5, PreprocessMs = 5, EncodeMs = 10, SegmentMs = 5, MaskMs = 5, AdaptMs = 5, DualMs = 5, TotalMs = 42.5f };
            }),
            Rows.Result(change: result =>
            {
                result.Mask.Area = 0;
                result.Regions.Clear();
            })));

    [Fact]
    public void Sentences_stand_below_their_row_and_cannot_drive_the_terminal() => Assert.Equal(
        """
        VERDICT       SCORE   FORGED  REGIONS       MS     WAIT  PATH
        MANIPULATED  0.9312    4.0 %        1      2.0     10.5  a/b.png
                     One.
                     Two�.
        MANIPULATED  0.9312    4.0 %        1      2.0     10.5  c.png

        """,
        Written(withTime: false, Rows.Result(change: Rows.Explain("One.", "Two\e.")), Rows.Result("c.png")));

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
