using System.Text;
using Google.Protobuf;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class JsonLinesWriterTests
{
    [Fact]
    public void A_result_has_the_fields_of_the_contract_in_their_order() => Assert.Equal(
        """
        {"path":"a/b.png","frame_id":3,"outcome":"RESULT","score":0.93121,"verdict":"MANIPULATED","width":640,"height":480,"mask":{"size":[480,640],"counts":"<`\\1>"},"mask_area":12345,"regions":[{"box":[1,2,3,4],"area":9,"mean":0.8}],"notes":[],"sha256":"ab01","timings_ms":{"queue":1,"decode":2,"preprocess":0,"encode":0,"segment":0,"mask":0,"total":12.5},"provider":"CPU"}

        """,
        Written(Rows.Result()));

    [Fact]
    public void Without_a_mask_there_is_no_field_for_one()
    {
        var line = Written(Rows.Result(change: result =>
        {
            result.Mask = null;
            result.Regions.Clear();
        }));

        Assert.DoesNotContain("\"mask\":{", line, StringComparison.Ordinal);
        Assert.DoesNotContain("\"mask_area\"", line, StringComparison.Ordinal);
        Assert.DoesNotContain("\"regions\"", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(6, true)]
    public void The_orientation_is_there_where_a_picture_is_to_be_turned(uint orientation, bool isThere)
    {
        var line = Written(Rows.Result(change: result => result.Orientation = orientation));

        Assert.Equal(isThere, line.Contains("\"provider\":\"CPU\",\"orientation\":6}", StringComparison.Ordinal));
        Assert.Equal(isThere, line.Contains("orientation", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Verdict.Manipulated, "{\"verdict\":\"MANIPULATED\",\"score\":0.75,\"frames\":12,\"counted\":true,\"scene\":2,\"since\":20}")]
    [InlineData(Verdict.Uncertain, "{\"verdict\":\"UNCERTAIN\",\"score\":0.75,\"frames\":12,\"counted\":true,\"scene\":2}")]
    public void A_verdict_over_time_has_its_numbers_and_says_since_when_where_it_is_manipulated(Verdict verdict, string expected)
    {
        Assert.Contains($"\"provider\":\"CPU\",\"temporal\":{expected}}}", Written(Rows.Result(change: Rows.OverTime(verdict, 0.75f))), StringComparison.Ordinal);
        Assert.DoesNotContain("temporal", Written(Rows.Result()), StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_mask_has_an_area_of_nothing()
    {
        var line = Written(Rows.Result(change: result =>
        {
            result.Mask.Area = 0;
            result.Regions.Clear();
        }));

        Assert.Contains("\"mask_area\":0,\"regions\":[]", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_that_was_too_long_to_be_sent_has_its_regions()
    {
        var line = Written(Rows.Result(change: result => (result.Mask, result.MaskOmission) = (null, MaskOmission.Budget)));

        Assert.DoesNotContain("\"mask_area\"", line, StringComparison.Ordinal);
        Assert.Contains("\"regions\":[{\"box\":[1,2,3,4]", line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_a_number_is_text_and_costs_no_row()
    {
        var line = Written(Rows.Result(change: result =>
        {
            result.Score = float.NaN;
            result.Regions[0].Mean = float.PositiveInfinity;
            result.Regions.Add(new Region());
        }));

        Assert.DoesNotContain("\"score\"", line, StringComparison.Ordinal);
        Assert.Contains("\"regions\":[{\"box\":[1,2,3,4],\"area\":9,\"mean\":\"Infinity\"},{\"box\":[0,0,0,0],\"area\":0,\"mean\":0}]", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Sentences_have_their_code_and_their_numbers()
    {
        var line = Written(Rows.Result(change: result =>
        {
            Rows.Explain("一个。")(result);
            result.Explanation.Add(new Explanation { Code = ExplanationCode.Damaged, Text = "Two." });
            result.Explanation.Add(new Explanation { Code = (ExplanationCode)999, Text = "Three." });
        }));

        Assert.Contains(
            """
            "explanation":[{"code":"MASK_SPREAD","text":"一个。","numbers":{"fields":4,"share":0.25}},{"code":"DAMAGED","text":"Two."},{"code":"999","text":"Three."}]
            """,
            line,
            StringComparison.Ordinal);
        Assert.DoesNotContain("explanation", Written(Rows.Result()), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_named_where_they_were_written()
    {
        var line = Written(Rows.Result() with { MaskFile = "out/masks/b.png", OverlayFile = "out/overlays/b.png" });

        Assert.EndsWith("""
            "mask_file":"out/masks/b.png","overlay_file":"out/overlays/b.png"}

            """, line, StringComparison.Ordinal);
        Assert.DoesNotContain("_file\"", Written(Rows.Result()), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_shown_without_loss_and_cannot_drive_a_terminal()
    {
        var line = Written(Rows.Failed(LoupeFailureCode.NotFound, "gone", "caf\uDCE9/\e[31m\u009b.jpg"));

        Assert.Contains("""{"path":"caf\\xe9/\u001B[31m\u009B.jpg",""", line, StringComparison.Ordinal);
        Assert.Equal("caf\\xe9/\e[31m\u009b.jpg", (string?)System.Text.Json.Nodes.JsonNode.Parse(line)!["path"]);
    }

    [Fact]
    public void Streams_have_times_notes_have_codes_and_adaptation_its_state()
    {
        var line = Written(Rows.Result("clip.avi", seconds: 1.25, change: result =>
        {
            result.Notes.Add(new Note { Code = NoteCode.AlphaDropped, Message = "transparency was ignored" });
            result.Adaptation = new AdaptationState { Step = 7, Hash = ByteString.CopyFrom(0xFF), Drift = 0.0123f };
            result.Timings.AdaptMs = 3;
        }));

        Assert.StartsWith("""{"path":"clip.avi","frame_id":3,"time_s":1.25,"outcome":"RESULT",""", line, StringComparison.Ordinal);
        Assert.Contains("""
            "notes":[{"code":"ALPHA_DROPPED","message":"transparency was ignored"}]
            """, line, StringComparison.Ordinal);
        Assert.Contains("\"adapt\":3,\"dual\":0,\"total\"", line, StringComparison.Ordinal);
        Assert.EndsWith("""
            "provider":"CPU","adaptation":{"step":7,"hash":"ff","drift":0.0123}}

            """, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(1f / 3)]
    [InlineData(float.Epsilon)]
    [InlineData(0.99999994f)]
    public void Scores_keep_every_bit(float score)
    {
        var line = Written(Rows.Result(change: result => result.Score = score));

        Assert.Equal(score, System.Text.Json.Nodes.JsonNode.Parse(line)!["score"]!.GetValue<float>());
    }

    [Fact]
    public void What_has_no_result_says_why()
    {
        Assert.Equal(
            """{"path":"a/b.png","frame_id":4,"outcome":"FAILED","error":{"code":"CONNECTION_LOST","message":"gone"}}""" + "\n",
            Written(Rows.Failed(LoupeFailureCode.ConnectionLost, "gone")));
        Assert.Equal(
            """{"path":"camera:0","frame_id":5,"time_s":1.5,"outcome":"DROPPED","reason":"SUPERSEDED","age_ms":12.346}""" + "\n",
            Written(Rows.Dropped()));
        Assert.Equal(
            """{"path":"camera:0","frame_id":6,"time_s":2,"outcome":"EXPIRED","reason":"DEADLINE","age_ms":7}""" + "\n",
            Written(Rows.Expired()));
    }

    [Fact]
    public void Each_line_is_one_write_and_holds_no_line_break()
    {
        var line = Written(Rows.Failed(LoupeFailureCode.Invalid, "two\nlines", "new\nline.png"), Rows.Dropped());

        Assert.Equal(2, line.Count(c => c == '\n'));
    }

    private static string Written(params OutcomeRow[] rows)
    {
        using var output = new MemoryStream();
        var writer = new JsonLinesWriter(output);
        foreach (var row in rows)
        {
            writer.Write(row);
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }
}
