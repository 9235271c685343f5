using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LoupeGrpc.Files;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Security;

/// <summary>Reads certificates and keys as they are written by everybody's tools.</summary>
internal static class TlsFiles
{
    private const int MaxBytes = 1 << 20;
    private const string PemBegin = "-----BEGIN ";

    /// <summary>Of keys that begin with the name of their kind, as in <c>RSA PRIVATE KEY</c> (RFC 1421).</summary>
    private const string OldEncryption = "Proc-Type: 4,ENCRYPTED";

    /// <returns>The certificate with its key, and those between it and its root.</returns>
    /// <exception cref="InvalidDataException">The message names the setting and the file.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Chain) ReadCertificate(TlsOptions tls)
    {
        var bytes = Read("Loupe:Tls:Certificate", tls.Certificate);
        try
        {
            return IsPem(bytes) ? FromPem(tls, Encoding.UTF8.GetString(bytes)) : FromPfx(tls, bytes);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"{Named("Loupe:Tls:Certificate", tls.Certificate)} cannot be used: {Reason(exception)}", exception);
        }
    }

    /// <summary>Those that sign others, at least one of them by itself: to be believed, a chain must come to its end.</summary>
    /// <param name="setting">That names the file.</param>
    /// <exception cref="InvalidDataException">The message names the setting and the file.</exception>
    public static X509Certificate2Collection ReadAuthority(string setting, string path)
    {
        var bytes = Read(setting, path);
        try
        {
            var authority = new X509Certificate2Collection();
            authority.ImportFromPem(Encoding.UTF8.GetString(bytes));
            return authority.Count == 0 ? throw new InvalidDataException($"{Named(setting, path)} holds no certificate in PEM")
                : authority.Any(IsRoot) ? authority
                // Nothing would ever be accepted.
                : throw new InvalidDataException($"{Named(setting, path)} holds no root, which signs itself: {authority[0].Subject} is signed by {authority[0].Issuer}, whose certificate is wanted too");
        }
        catch (CryptographicException exception)
        {
            throw new InvalidDataException($"{Named(setting, path)} cannot be used: {Reason(exception)}", exception);
        }
    }

    /// <summary>It is signed by itself.</summary>
    public static bool IsRoot(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static (X509Certificate2 Certificate, X509Certificate2Collection Chain) FromPem(TlsOptions tls, string pem)
    {
        var key = tls.Key.Length > 0 ? Encoding.UTF8.GetString(Read("Loupe:Tls:Key", tls.Key)) : pem;
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new InvalidDataException(tls.Key.Length > 0
                ? $"{Named("Loupe:Tls:Key", tls.Key)} holds no private key in PEM"
                : $"{Named("Loupe:Tls:Certificate", tls.Certificate)} holds no private key: Loupe:Tls:Key names its file");
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem);
        if (chain.Count > 0)
        {
            chain[0].Dispose();
            chain.RemoveAt(0);
        }

        // By itself, so that it is known which of both is wrong.
        X509Certificate2.CreateFromPem(pem).Dispose();
        return (WithKey(tls, pem, key, chain.Count > 0), chain);
    }

    /// <param name="isFirst">There are other certificates behind it.</param>
    private static X509Certificate2 WithKey(TlsOptions tls, string pem, string key, bool isFirst)
    {
        var isEncrypted = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal);
        var holder = tls.Key.Length > 0 ? Named("Loupe:Tls:Key", tls.Key) : Named("Loupe:Tls:Certificate", tls.Certificate);
        if (key.Contains(OldEncryption, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{holder} is encrypted in OpenSSL's old form, which is not read: 'openssl pkcs8 -topk8 -in OLD -out NEW' writes it in the other");
        }

        if (isEncrypted && tls.Password.Length == 0)
        {
            throw new InvalidDataException($"{holder} is encrypted: Loupe:Tls:Password");
        }

        try
        {
            return isEncrypted ? X509Certificate2.CreateFromEncryptedPem(pem, key, tls.Password) : X509Certificate2.CreateFromPem(pem, key);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException(
                $"{holder} cannot be used: it is damaged, or not the key of the {(isFirst ? "first certificate" : "certificate")} in {tls.Certificate}{(isEncrypted ? ", or Loupe:Tls:Password is not its password" : "")}",
                exception);
        }
    }

    private static (X509Certificate2 Certificate, X509Certificate2Collection Chain) FromPfx(TlsOptions tls, byte[] bytes)
    {
        var all = LoadPfx(tls, bytes);
        var own = all.FirstOrDefault(static certificate => certificate.HasPrivateKey)
            ?? throw new InvalidDataException($"{Named("Loupe:Tls:Certificate", tls.Certificate)} holds no certificate with a private key");
        all.Remove(own);
        return (own, all);
    }

    private static X509Certificate2Collection LoadPfx(TlsOptions tls, byte[] bytes)
    {
        try
        {
            return X509CertificateLoader.LoadPkcs12Collection(bytes, tls.Password);
        }
        catch (CryptographicException exception)
        {
            throw new InvalidDataException(
                $"{Named("Loupe:Tls:Certificate", tls.Certificate)} is neither PEM nor PKCS #12 that {(tls.Password.Length > 0 ? "Loupe:Tls:Password opens" : "opens without a password: Loupe:Tls:Password")}",
                exception);
        }
    }

    private static byte[] Read(string setting, string path)
    {
        try
        {
            var bytes = NamedFile.Read(path, MaxBytes);
            return FileGuard.Danger(path) is { } danger ? throw new InvalidDataException($"{Named(setting, path)} {danger}") : bytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{Named(setting, path)} cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    private static bool IsPem(byte[] bytes) => bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(PemBegin)) >= 0;

    private static string Named(string setting, string path) => $"{setting}, {path},";

    private static string Reason(Exception exception) => exception.Message.Split('\n')[0].TrimEnd('\r', '.');
}
