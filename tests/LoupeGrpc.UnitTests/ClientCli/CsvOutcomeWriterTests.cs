using System.Text;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Output;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class CsvOutcomeWriterTests
{
    private const string Header =
        "path,frame_id,time_s,outcome,score,verdict,width,height,mask_area,regions,notes,sha256,total_ms,provider,reason,error_code,error_message,source,mask_file,overlay_file\r\n";

    [Fact]
    public void A_result_is_one_record() => Assert.Equal(
        Header + "a/b.png,3,1.25,RESULT,0.93121,MANIPULATED,640,480,12345,1,,ab01,12.5,CPU,,,,,,\r\n",
        Written(Rows.Result(seconds: 1.25)));

    [Theory]
    [InlineData("=cmd|' /C calc'!A0")]
    [InlineData("+1.png")]
    [InlineData("-1.png")]
    [InlineData("@sum.png")]
    [InlineData("\ttab.png")]
    public void A_name_that_a_spreadsheet_would_run_is_text(string path)
    {
        var record = Written(Rows.Failed(LoupeFailureCode.Invalid, path, path))[Header.Length..];

        Assert.StartsWith($"\"'{path}\",", record, StringComparison.Ordinal);
        Assert.EndsWith($",INVALID,\"'{path}\",,,\r\n", record, StringComparison.Ordinal);
    }

    [Fact]
    public void Commas_quotes_and_line_breaks_stay_inside_their_field() => Assert.Contains(
        "\"a,\"\"b\"\"\nc.png\",4,",
        Written(Rows.Failed(LoupeFailureCode.NotFound, "nothing", "a,\"b\"\nc.png")),
        StringComparison.Ordinal);

    [Fact]
    public void Without_a_mask_its_fields_are_empty() => Assert.Contains(
        ",640,480,,,,ab01,",
        Written(Rows.Result(change: result =>
        {
            result.Mask = null;
            result.Regions.Clear();
        })),
        StringComparison.Ordinal);

    [Fact]
    public void Files_are_named_where_they_were_written() => Assert.EndsWith(
        ",,,,,out/m.png,out/o.png\r\n",
        Written(Rows.Result() with { MaskFile = "out/m.png", OverlayFile = "out/o.png" }),
        StringComparison.Ordinal);

    [Fact]
    public void Sentences_have_a_column_where_they_are_asked_for()
    {
        using var output = new MemoryStream();
        using (var writer = new CsvOutcomeWriter(output, explains: true))
        {
            writer.Write(Rows.Result(change: Rows.Explain("One, and more.", "Two.")));
            writer.Write(Rows.Failed(LoupeFailureCode.NotFound, "gone"));
        }

        var lines = Encoding.UTF8.GetString(output.ToArray()).Split("\r\n");
        Assert.Equal(Header.TrimEnd() + ",explanation", lines[0]);
        Assert.EndsWith(",,\"One, and more. Two.\"", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",NOT_FOUND,gone,,,,", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "\uFFFD[31mred.png")]
    [InlineData(false, "\e[31mred.png")]
    public void A_file_gets_every_character_of_a_name_and_a_terminal_none_that_drives_it(bool isTerminal, string expected)
    {
        using var output = new MemoryStream();
        using (var writer = new CsvOutcomeWriter(output, isTerminal))
        {
            writer.Write(Rows.Failed(LoupeFailureCode.NotFound, "gone", "\e[31mred.png"));
        }

        Assert.Contains($"{expected},4,", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_rows_there_is_a_header() => Assert.Equal(Header, Written());

    [Fact]
    public void Verdicts_over_time_have_columns_where_they_are_asked_for()
    {
        using var output = new MemoryStream();
        using (var writer = new CsvOutcomeWriter(output, explains: true, temporal: true))
        {
            writer.Write(Rows.Result(change: Rows.OverTime(LoupeGrpc.V1.Verdict.Manipulated, 0.75f)));
            writer.Write(Rows.Failed(LoupeFailureCode.NotFound, "gone"));
        }

        var lines = Encoding.UTF8.GetString(output.ToArray()).Split("\r\n");
        Assert.Equal(Header.TrimEnd() + ",temporal_verdict,temporal_score,scene,explanation", lines[0]);
        Assert.EndsWith(",,,MANIPULATED,0.75,2,", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",NOT_FOUND,gone,,,,,,,", lines[2], StringComparison.Ordinal);
    }

    private static string Written(params OutcomeRow[] rows)
    {
        using var output = new MemoryStream();
        using (var writer = new CsvOutcomeWriter(output))
        {
            foreach (var row in rows)
            {
                writer.Write(row);
            }
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }
}
