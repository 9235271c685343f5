using System.Text;
using LoupeGrpc.Files;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>A part of a page that grows while a run lasts: on the disk beside the page, not in memory.</summary>
internal sealed class ReportSpool(AtomicFile file) : IDisposable
{
    /// <exception cref="IOException">It has no room.</exception>
    public void Add(string html) => file.Content.Write(Encoding.UTF8.GetBytes(html));

    /// <exception cref="IOException">It cannot be read, or the target has no room.</exception>
    public void CopyTo(Stream target)
    {
        file.Content.Position = 0;
        file.Content.CopyTo(target);
    }

    public void Dispose() => file.Dispose();
}
