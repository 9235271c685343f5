namespace LoupeGrpc.Engine.Tiling;

/// <summary>Tells where in a session another scene begins, from the colour layouts of its frames. One caller at a time.</summary>
public interface ISceneCuts
{
    /// <summary>Whether another scene begins with the next frame.</summary>
    /// <param name="layout"><see cref="FrameAnalysis.ColorLayout"/>.</param>
    bool Add(ReadOnlySpan<byte> layout);

    /// <summary>The frame that was added last does not count: as if it had not been.</summary>
    void TakeBack();
}
