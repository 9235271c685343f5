using System.Security.Cryptography;

namespace LoupeGrpc.Receipts;

/// <summary>The first block of a kind in a PEM file, whatever else is in it.</summary>
internal static class Pem
{
    /// <param name="label">As <c>PUBLIC KEY</c>.</param>
    /// <param name="blob">Empty where there is no such block.</param>
    public static bool TryRead(ReadOnlySpan<char> text, string label, out byte[] blob)
    {
        while (PemEncoding.TryFind(text, out var fields))
        {
            if (text[fields.Label].SequenceEqual(label))
            {
                blob = new byte[fields.DecodedDataLength];
                return Convert.TryFromBase64Chars(text[fields.Base64Data], blob, out _);
            }

            text = text[fields.Location.End..];
        }

        blob = [];
        return false;
    }
}
