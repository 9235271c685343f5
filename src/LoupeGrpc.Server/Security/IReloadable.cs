namespace LoupeGrpc.Server.Security;

/// <summary>Something that stands in files, and is read anew when they change.</summary>
internal interface IReloadable
{
    /// <summary>None: there is nothing to watch.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>Takes over what stands there now. Nothing is thrown.</summary>
    /// <returns>Why it changes nothing, with the name of the file, for the log; null: it holds from now on.</returns>
    string? Reload();

    /// <summary>Says in the log that what stands there is broken.</summary>
    /// <param name="problem">From <see cref="Reload"/>.</param>
    void LogBroken(string problem);
}
