using System.Security.Cryptography;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Receipts;

namespace LoupeGrpc.Client.Cli.Verifying;

/// <summary>What `verify` reads: receipts, keys, and which picture is whose.</summary>
internal static class ReceiptFiles
{
    private const byte LineEnd = (byte)'\n';

    /// <summary>Every line that is not empty.</summary>
    /// <exception cref="CliException">The file cannot be read.</exception>
    public static IReadOnlyList<CheckedReceipt> Read(string file, CliHost host)
    {
        try
        {
            using var stream = file == "-" ? host.Input : RegularFile.Open(file);
            List<CheckedReceipt> read = [];
            foreach (var (number, line, isWhole) in Lines(stream, host.Interrupt))
            {
                if (!isWhole)
                {
                    read.Add(Bad(file, number, $"has more than {Receipt.MaxBytes} bytes: no receipt is that long"));
                }
                else if (!line.AsSpan().Trim(" \t\r"u8).IsEmpty)
                {
                    read.Add(Receipt.TryRead(line, out var receipt, out var problem) ? new CheckedReceipt(file, number, receipt) : Bad(file, number, problem));
                }
            }

            return read;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{file} cannot be read: {FileErrors.Reason(error)}", ExitCode.SomeFailed);
        }
    }

    /// <exception cref="CliException">It cannot be read, or holds no key.</exception>
    public static ReceiptPublicKey ReadKey(string file)
    {
        try
        {
            using var reader = new StreamReader(RegularFile.Open(file));
            var text = new char[Receipt.MaxBytes];
            return ReceiptPublicKey.TryRead(new string(text, 0, reader.ReadBlock(text)), out var key)
                ? key
                : throw CliException.Usage($"--public-key {file} holds no Ed25519 public key in PEM: the file that ends in .pub of loupe-grpc-server key sign");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--public-key {file} cannot be read: {FileErrors.Reason(error)}");
        }
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be read.</exception>
    public static string DigestOf(string picture)
    {
        using var stream = RegularFile.Open(picture);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static CheckedReceipt Bad(string file, int line, string problem)
    {
        var bad = new CheckedReceipt(file, line, null);
        bad.Add(CheckResult.Differs, $"the line {problem}");
        return bad;
    }

    /// <summary>Of a line that is longer than any receipt only that is told.</summary>
    private static IEnumerable<(int Number, byte[] Line, bool IsWhole)> Lines(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[Receipt.MaxBytes];
        var line = new MemoryStream();
        var (number, isWhole) = (1, true);
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = 0;
            for (int length; (length = buffer.AsSpan(start, read - start).IndexOf(LineEnd)) >= 0; start += length + 1)
            {
                isWhole &= Add(start, length);
                yield return (number++, line.ToArray(), isWhole);
                line.SetLength(0);
                isWhole = true;
            }

            isWhole &= Add(start, read - start);
        }

        if (line.Length > 0 || !isWhole)
        {
            yield return (number, line.ToArray(), isWhole);
        }

        bool Add(int start, int length)
        {
            if (line.Length + length > Receipt.MaxBytes)
            {
                return false;
            }

            line.Write(buffer, start, length);
            return true;
        }
    }
}
