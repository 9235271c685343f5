using System.Text.Json.Nodes;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>`stream` against a server that takes whatever comes, and what came.</summary>
/// <param name="Run">What the program did.</param>
/// <param name="Opened">What the session asked for.</param>
/// <param name="Frames">What the server received.</param>
internal sealed record VideoRun(CliRun Run, OpenSession Opened, IReadOnlyList<Frame> Frames)
{
    public IReadOnlyList<JsonNode> Lines => Run.Lines;

    public int ExitCode => Run.ExitCode;

    public string Error => Run.Error;

    /// <summary>The source's time of each line.</summary>
    public IEnumerable<double> Times => Lines.Select(line => (double)line["time_s"]!);

    public IEnumerable<string?> Outcomes => Lines.Select(line => (string?)line["outcome"]);

    public IEnumerable<(uint Width, uint Height)> Sizes => Frames.Select(frame => (frame.Raw.Format.Width, frame.Raw.Format.Height));

    /// <summary>Everything that anyone could read.</summary>
    public string Everything => Run.Output + Run.Error;

    public static async Task<VideoRun> OfAsync(params string[] args)
    {
        await using var running = await RunningVideo.StartAsync(args);
        return await running.EndAsync();
    }

    /// <summary>Each frame of a source has its line, in order.</summary>
    public void AssertComplete(int frames)
    {
        Assert.Equal(Enumerable.Range(0, frames), Lines.Select(line => (int)line["frame_id"]!));
        Assert.Equal(Frames.Count, Outcomes.Count(outcome => outcome == "RESULT"));
    }

    /// <summary>The frames that were judged have the pixels that the frames of the same number have in an intact run.</summary>
    public void AssertAnalysedOnlyWhatIsIn(VideoRun intact)
    {
        foreach (var frame in Frames)
        {
            Assert.True(intact.Frames[(int)frame.FrameId].Raw.Data.Equals(frame.Raw.Data), $"frame {frame.FrameId} is not as it was filmed");
        }
    }
}
