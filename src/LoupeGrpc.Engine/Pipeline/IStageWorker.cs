namespace LoupeGrpc.Engine.Pipeline;

/// <summary>The work of one thread of a stage.</summary>
internal interface IStageWorker : IDisposable
{
    /// <summary>Waits for what comes next, and works on it: every frame that it takes goes on or out. Never throws.</summary>
    /// <returns>False: nothing comes any more.</returns>
    bool Work();
}
