namespace LoupeGrpc.Server.Security;

/// <summary>Something that stands in files, and is read anew when they change.</summary>
internal interface IReloadable
{
    /// <summary>None: there is nothing to watch.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>Takes over what stands there now. What is broken changes nothing, and is logged; nothing is thrown.</summary>
    void Reload();
}
