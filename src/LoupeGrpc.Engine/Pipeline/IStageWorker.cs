namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Works on what waits before a stage, on one thread at a time.</summary>
internal interface IStageWorker : IDisposable
{
    /// <summary>
    /// Takes what it works on next: first what the work needs, then the frames. As long as something lacks, they are still where their caller and their deadline find
    /// them, and where others join them. Does not wait.
    /// </summary>
    /// <returns>False: something lacks, or nothing waits.</returns>
    bool TryTake();

    /// <summary>Works on what was taken: every frame of it goes on or out. Never throws.</summary>
    void Work();
}
