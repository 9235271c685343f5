using LoupeGrpc.Provenance;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>What a picture file says of where it comes from, told from its bytes. Used by several threads.</summary>
/// <param name="trust">Null: nobody is trusted.</param>
internal sealed class ProvenanceFacts(TrustList? trust, TimeProvider time)
{
    // Of JPEGs that say nothing more, as most frames of a camera do: one for each quality, so that none is made for a frame.
    private static readonly FrameProvenance[] OfTables =
        [new() { JpegTables = JpegTables.Other }, .. Enumerable.Range(1, 100).Select(static quality => new FrameProvenance { JpegTables = JpegTables.Libjpeg, JpegQuality = quality })];

    /// <returns>Null: it says nothing.</returns>
    public FrameProvenance? Read(ImageHeader header, ReadOnlyMemory<byte> file)
    {
        var said = header.JpegTables == JpegTables.Unknown ? null : OfTables[header.JpegTableQuality];
        var credentials = CredentialsReader.Read(file, trust, time.GetUtcNow());
        return credentials is null && header.Software is null ? said : (said ?? new FrameProvenance()) with { Credentials = credentials, Software = header.Software };
    }
}
