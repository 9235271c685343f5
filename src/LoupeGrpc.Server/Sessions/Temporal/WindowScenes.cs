using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>Scene cuts, by the measure of verdicts over time, for what a session has seen of its tiles: known before a frame is answered.</summary>
/// <param name="threshold">As of <see cref="SceneChange"/>.</param>
internal sealed class WindowScenes(double threshold) : ISceneCuts
{
    private readonly SceneChange _change = new(threshold);
    private SceneState _before = new([], 0);

    public bool Add(ReadOnlySpan<byte> layout)
    {
        _before = _change.Save();
        return _change.Add(layout);
    }

    public void TakeBack() => _change.Restore(_before);
}
