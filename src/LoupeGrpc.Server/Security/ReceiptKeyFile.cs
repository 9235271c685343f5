using System.Text;
using LoupeGrpc.Files;
using LoupeGrpc.Receipts;

namespace LoupeGrpc.Server.Security;

/// <summary>The file of the key that signs receipts: PKCS #8 in PEM, for its owner alone.</summary>
internal static class ReceiptKeyFile
{
    private const int MaxBytes = 64 << 10;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <exception cref="InvalidDataException">The message names the file, and is for people.</exception>
    public static ReceiptSigningKey Read(string path)
    {
        try
        {
            var bytes = NamedFile.Read(path, MaxBytes);
            // Whoever reads it signs in the server's name.
            return (FileGuard.ModeOf(path) & Others) != 0
                ? throw new InvalidDataException($"{path} is open to every user of the machine, who could sign with it: chmod o-rwx {path}")
                : ReceiptSigningKey.TryRead(Encoding.UTF8.GetString(bytes), out var key)
                    ? key
                    : throw new InvalidDataException($"{path} holds no Ed25519 private key in PEM (PKCS #8, not encrypted), as loupe-grpc-server key sign makes one");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Makes a key where none is: the private one in a file, the public one beside it, with <c>.pub</c> behind its name.</summary>
    /// <exception cref="IOException">There is a file of the name, or it cannot be written. Nothing is left behind.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static ReceiptPublicKey Create(string path)
    {
        using var key = ReceiptSigningKey.Create(out var pem);
        Write(path, pem, OwnerOnly);
        try
        {
            Write(PublicPathOf(path), key.PublicKey.ToPem(), OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        catch
        {
            File.Delete(path);
            throw;
        }

        return key.PublicKey;
    }

    public static string PublicPathOf(string path) => path + ".pub";

    private static void Write(string path, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using var stream = new FileStream(path, options);
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            File.Delete(path);
            throw;
        }
    }
}
