using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Pipeline;
using LoupeGrpc.Engine.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Pipeline;

/// <summary>The order in which frames and tiles before a stage are taken. No thread works on it: the test takes them itself.</summary>
public sealed class StageTests : IDisposable
{
    private static readonly AnalysisRequest Urgent = new() { IsUrgent = true };

    private readonly HeldPicture _picture = new(new Mat(8, 8, MatType.CV_8UC3));
    private readonly FrameExit _exit = new(pixels: null!, deadlines: null!, new EngineHealth("CPU", NullLogger.Instance), answers: null!, TimeProvider.System);
    private readonly List<FrameJob> _sent = [];
    private readonly Stage _stage;

    public StageTests() => _stage = new Stage(
        "test", place: 0, capacity: 200, runsModel: true, new ComputeThreads("test", 1), new StageContext(_exit, Classifier: null!, new StageClock(TimeProvider.System, metrics: null!)));

    public void Dispose() => _picture.Dispose();

    /// <summary>However many tiles of a large picture wait already: a frame of somebody else waits for one of them.</summary>
    [Fact]
    public void Tiles_of_a_picture_give_way_to_whole_frames()
    {
        SendTiles(30);
        SendWhole(3);

        Assert.Equal("t w t w t w" + string.Concat(Enumerable.Repeat(" t", 27)), Taken());
    }

    /// <summary>While a picture has tiles, every other turn is its own: it is not starved either.</summary>
    [Fact]
    public void Whole_frames_that_come_in_one_row_leave_tiles_every_other_turn()
    {
        SendTiles(4);
        for (var i = 0; i < 3; i++)
        {
            _stage.Send([NewJob(part: null, new AnalysisRequest()), NewJob(part: null, new AnalysisRequest())]);
        }

        Assert.Equal("t w t w t w t w w w", Taken());
    }

    [Fact]
    public void Urgent_frames_pass_tiles_and_urgent_tiles_give_way_to_them()
    {
        SendTiles(3);
        SendTiles(3, Urgent);
        SendWhole(2, Urgent);
        SendWhole(1);

        Assert.Equal("!t !w !t !w !t t w t t", Taken());
    }

    /// <summary>What was begun with comes first, whatever it is a part of.</summary>
    [Fact]
    public void What_is_put_back_is_taken_before_all_others()
    {
        SendTiles(2);
        SendWhole(1);
        Assert.Equal("t", NameOf(_stage.Queue.TryTake()!));
        _stage.PutBack([_sent[0]]);

        Assert.Equal("t w t", Taken());
    }

    private void SendTiles(int count, AnalysisRequest? request = null)
    {
        for (var i = 0; i < count; i++)
        {
            _stage.Send(NewJob(new TilePart(_picture, start: null), request ?? new AnalysisRequest()));
        }
    }

    private void SendWhole(int count, AnalysisRequest? request = null)
    {
        for (var i = 0; i < count; i++)
        {
            _stage.Send(NewJob(part: null, request ?? new AnalysisRequest()));
        }
    }

    private FrameJob NewJob(TilePart? part, AnalysisRequest request)
    {
        var job = new FrameJob(_exit, Frames.Noise(8, 8), request, new FrameShape(8, 8, null), bytes: 0, receivedAt: 0, dueAt: long.MaxValue) { Part = part };
        _sent.Add(job);
        return job;
    }

    private string Taken()
    {
        List<string> names = [];
        while (_stage.Queue.TryTake() is { } job)
        {
            names.Add(NameOf(job));
        }

        return string.Join(' ', names);
    }

    private static string NameOf(FrameJob job) => (job.Request.IsUrgent ? "!" : "") + (job.Part is null ? "w" : "t");
}
