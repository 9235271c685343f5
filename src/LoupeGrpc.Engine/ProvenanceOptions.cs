using LoupeGrpc.Engine.Configuration;
using LoupeGrpc.Files;
using LoupeGrpc.Provenance;

namespace LoupeGrpc.Engine;

/// <summary>What is judged of the Content Credentials in picture files.</summary>
public sealed record ProvenanceOptions
{
    private const int MostListBytes = 16 << 20;

    /// <summary>Roots in PEM. Empty: whose credentials they are is told, and not judged.</summary>
    [Setting("file of roots (PEM) that vouch for signers", DefaultText = "none")]
    public string TrustList { get; init; } = string.Empty;

    /// <summary>Null: there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read or used; the message names the file, and is for people.</exception>
    public TrustList? ReadTrustList()
    {
        if (TrustList.Length == 0)
        {
            return null;
        }

        try
        {
            return LoupeGrpc.Provenance.TrustList.Read(System.Text.Encoding.UTF8.GetString(NamedFile.Read(TrustList, MostListBytes)));
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{TrustList} cannot be used: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{TrustList} cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }
    }
}
