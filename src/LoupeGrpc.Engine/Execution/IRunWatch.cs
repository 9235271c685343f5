namespace LoupeGrpc.Engine.Execution;

/// <summary>Is told of the runs of one graph. Thread-safe.</summary>
internal interface IRunWatch
{
    /// <summary>A run begins.</summary>
    /// <param name="rows">Frames that it has room for.</param>
    /// <returns>To be disposed when the run has ended, however it did.</returns>
    IDisposable Begin(int rows);
}
