using System.Text.Json.Nodes;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Events;

public sealed class FindingTrackerTests
{
    private readonly List<string> _told = [];
    private readonly FindingTracker _tracker;
    private ulong _next;

    public FindingTrackerTests() => _tracker = new FindingTracker((type, data) => _told.Add(Essence(type, data)));

    [Fact]
    public void Without_a_verdict_over_time_a_finding_is_a_run_of_manipulated_frames()
    {
        Frames(0.1f, 0.7f, 0.9f, 0.5f, 0.1f, 0.8f);
        _tracker.Complete();

        Assert.Equal(
            [
                "finding.started 1 from 1",
                "finding.ended 1 CLEARED 1-2 2/2 peak 2",
                "finding.started 2 from 5",
                "finding.ended 2 STREAM_ENDED 5-5 1/1 peak 5",
            ],
            _told);
        Assert.Equal(2, _tracker.Findings);
    }

    [Fact]
    public void Over_time_a_finding_has_the_frames_before_its_verdict_and_outlasts_others()
    {
        Over(0.1f, null);
        Over(0.9f, null);
        Over(0.8f, null);
        Over(0.7f, since: 1);
        Over(0.3f, since: 1);
        Over(0.9f, since: 1);
        Over(0.2f, since: 1);
        Over(0.1f, null);

        Assert.Equal(["finding.started 1 from 1", "finding.ended 1 CLEARED 1-5 6/4 peak 1"], _told);
    }

    [Fact]
    public void A_scene_cut_ends_a_finding_and_may_begin_another()
    {
        Over(0.9f, since: 0, scene: 0);
        Over(0.9f, since: 1, scene: 1);
        Over(0.1f, null, scene: 2);

        Assert.Equal(
            ["finding.started 1 from 0", "finding.ended 1 SCENE_CUT 0-0 1/1 peak 0", "finding.started 2 from 1", "finding.ended 2 SCENE_CUT 1-1 1/1 peak 1"], _told);
    }

    [Fact]
    public void Frames_that_fail_are_one_loss_until_ten_in_a_row_do_not()
    {
        for (var i = 0; i < 5; i++)
        {
            Fail(LoupeFailureCode.Unreadable);
            Frames(0.1f);
        }

        Fail(LoupeFailureCode.ConnectionLost);
        Frames([.. Enumerable.Repeat(0.1f, 10)]);
        Fail(LoupeFailureCode.Unreadable);
        _tracker.Complete();

        Assert.Equal(
            ["loss.started 1 UNREADABLE from 0", """loss.ended 1 0-10 6 {"CONNECTION_LOST":1,"UNREADABLE":5}""", "loss.started 2 UNREADABLE from 21", """loss.ended 2 21-21 1 {"UNREADABLE":1}"""],
            _told);
    }

    [Fact]
    public void What_the_delivery_policy_leaves_out_is_no_loss_nor_what_was_interrupted()
    {
        Fail(LoupeFailureCode.Canceled);
        _tracker.Write(Rows.Dropped());
        _tracker.Write(Rows.Expired());

        Assert.Empty(_told);
    }

    private void Frames(params float[] scores)
    {
        foreach (var score in scores)
        {
            Write(score, static _ => { });
        }
    }

    private void Over(float score, ulong? since, ulong scene = 0) => Write(score, result => result.Temporal = new TemporalVerdict
    {
        Verdict = since is null ? Verdict.Authentic : Verdict.Manipulated,
        SinceSequence = since ?? 0,
        Scene = scene,
    });

    private void Write(float score, Action<FrameResult> change)
    {
        _tracker.Write(Rows.Frame(_next, _next / 10.0, result =>
        {
            result.Score = score;
            result.Verdict = score < 0.4f ? Verdict.Authentic : score < 0.6f ? Verdict.Uncertain : Verdict.Manipulated;
            change(result);
        }));
        _next++;
    }

    private void Fail(LoupeFailureCode code)
    {
        var row = Rows.Failed(code, "it is damaged");
        _tracker.Write(row with { FrameId = _next++ });
    }

    private static string Essence(string type, JsonObject data) => type switch
    {
        "finding.started" => $"{type} {data["finding"]} from {data["first_frame"]}",
        "finding.ended" => $"{type} {data["finding"]} {data["reason"]} {data["first_frame"]}-{data["last_frame"]} {data["results"]}/{data["manipulated"]} peak {data["peak"]!["frame_id"]}",
        "loss.started" => $"{type} {data["loss"]} {data["code"]} from {data["first_frame"]}",
        "loss.ended" => $"{type} {data["loss"]} {data["first_frame"]}-{data["last_frame"]} {data["frames"]} {data["codes"]!.ToJsonString()}",
        _ => type,
    };
}
