using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace LoupeGrpc.UnitTests.Provenance;

/// <summary>
/// Signs JPEGs as nobody should, with keys made for it. What is right is held against c2pa-rs (<c>tests/data/provenance</c>); this makes what c2pa-rs refuses to make.
/// </summary>
internal sealed record CredentialsMaker
{
    public static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private const string ClaimSigning = "1.3.6.1.4.1.62558.2.1";

    private static readonly Authority Root = Authority.Create("CN=Made root", null);
    private static readonly Authority Intermediate = Authority.Create("CN=Made intermediate", Root);

    /// <summary>Of the same name as the root.</summary>
    private static readonly Authority OtherRoot = Authority.Create("CN=Made root", null);

    public static string RootPem { get; } = Root.Certificate.ExportCertificatePem();

    public static string OtherRootPem { get; } = OtherRoot.Certificate.ExportCertificatePem();

    public static string IntermediatePem { get; } = Intermediate.Certificate.ExportCertificatePem();

    /// <summary>COSE's number.</summary>
    public int Algorithm { get; init; } = -7;

    public string HashName { get; init; } = "sha256";

    /// <summary>Signed with another key than the certificate has.</summary>
    public bool WrongKey { get; init; }

    public DateTimeOffset NotAfter { get; init; } = Now.AddYears(5);

    public string? Use { get; init; } = ClaimSigning;

    /// <summary>The chain's second certificate is of another key, under the right name.</summary>
    public bool WrongIssuer { get; init; }

    public bool SelfSigned { get; init; }

    public IReadOnlyList<string> BindingLabels { get; init; } = ["c2pa.hash.data"];

    /// <summary>In place of the ranges that the binding leaves out, from those that it should.</summary>
    public Func<(ulong Start, ulong Length), (ulong Start, ulong Length)[]> Exclusions { get; init; } = static store => [store];

    /// <summary>Bytes at the end of the file that the binding leaves out too.</summary>
    public int TailLeftOut { get; init; }

    /// <summary>More boxes beside the assertions, by label; CBOR.</summary>
    public IReadOnlyList<(string Label, byte[] Content)> Assertions { get; init; } = [("c2pa.actions", Actions("c2pa.created", "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"))];

    /// <summary>Assertions that the claim does not name.</summary>
    public IReadOnlyList<(string Label, byte[] Content)> Strays { get; init; } = [];

    /// <summary>Addresses that the claim names beside its assertions.</summary>
    public IReadOnlyList<string> MoreAddresses { get; init; } = [];

    public string Generator { get; init; } = "maker";

    public string SignatureAddress { get; init; } = "self#jumbf=c2pa.signature";

    /// <summary>The claim stands inside the signature too.</summary>
    public bool Attached { get; init; }

    public string ManifestType { get; init; } = "c2ma";

    public static byte[] Actions(string action, string source)
    {
        var writer = new CborWriter();
        writer.WriteStartMap(1);
        writer.WriteTextString("actions");
        writer.WriteStartArray(1);
        writer.WriteStartMap(2);
        writer.WriteTextString("action");
        writer.WriteTextString(action);
        writer.WriteTextString("digitalSourceType");
        writer.WriteTextString(source);
        writer.WriteEndMap();
        writer.WriteEndArray();
        writer.WriteEndMap();
        return writer.Encode();
    }

    public static byte[] Box(string type, params ReadOnlySpan<byte> content)
    {
        var box = new byte[8 + content.Length];
        BinaryPrimitives.WriteUInt32BigEndian(box, (uint)box.Length);
        Encoding.ASCII.GetBytes(type, box.AsSpan(4));
        content.CopyTo(box.AsSpan(8));
        return box;
    }

    public static byte[] Superbox(string type, string label, params byte[][] children)
    {
        byte[] description = Box("jumd", [.. Encoding.ASCII.GetBytes(type), 0, 0x11, 0, 0x10, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71, 3, .. Encoding.UTF8.GetBytes(label), 0]);
        return Box("jumb", [.. description, .. children.SelectMany(static child => child)]);
    }

    /// <summary>APP11 segments of at most so many bytes of a box.</summary>
    public static byte[] Segments(byte[] box, int most = 60_000, ushort instance = 1)
    {
        List<byte> segments = [];
        uint number = 1;
        for (int position = 0; position < box.Length; number++)
        {
            // Each repeats the box's header.
            var repeated = number == 1 ? [] : box[..8];
            int taken = Math.Min(most, box.Length - position);
            var head = new byte[12];
            (head[0], head[1]) = (0xFF, 0xEB);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(2), (ushort)(10 + repeated.Length + taken));
            (head[4], head[5]) = ((byte)'J', (byte)'P');
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(6), instance);
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(8), number);
            segments.AddRange([.. head, .. repeated, .. box.AsSpan(position, taken)]);
            position += taken;
        }

        return [.. segments];
    }

    /// <summary>Puts segments behind the first marker of a JPEG.</summary>
    public static byte[] Insert(byte[] jpeg, byte[] segments) => [.. jpeg[..2], .. segments, .. jpeg[2..]];

    /// <param name="jpeg">Without credentials.</param>
    public byte[] Sign(byte[] jpeg)
    {
        byte[] segments = [];
        byte[] bound = HashOf([.. jpeg[..2], .. jpeg[2..(jpeg.Length - TailLeftOut)]]);
        for (int length = -1; length != segments.Length;)
        {
            length = segments.Length;
            List<(ulong Start, ulong Length)> exclusions = [.. Exclusions((2, (ulong)length))];
            if (TailLeftOut > 0)
            {
                exclusions.Add(((ulong)(length + jpeg.Length - TailLeftOut), (ulong)TailLeftOut));
            }

            segments = Segments(Store(exclusions, bound));
        }

        return Insert(jpeg, segments);
    }

    private byte[] HashOf(byte[] data) => HashName switch
    {
        "sha384" => SHA384.HashData(data),
        "sha512" => SHA512.HashData(data),
        _ => SHA256.HashData(data),
    };

    private byte[] Store(IReadOnlyList<(ulong Start, ulong Length)> exclusions, byte[] bound)
    {
        byte[][] named = [.. Assertions.Select(static assertion => Superbox("cbor", assertion.Label, Box("cbor", assertion.Content))), .. BindingLabels.Select(label => Superbox("cbor", label, Box("cbor", Binding(exclusions, bound))))];
        string[] labels = [.. Assertions.Select(static assertion => assertion.Label), .. BindingLabels];
        byte[][] strays = [.. Strays.Select(static stray => Superbox("cbor", stray.Label, Box("cbor", stray.Content)))];
        byte[] claim = Claim(labels, named);
        return Superbox("c2pa", "c2pa", Superbox(
            ManifestType,
            "urn:made",
            Superbox("c2as", "c2pa.assertions", [.. named, .. strays]),
            Superbox("c2cl", "c2pa.claim.v2", Box("cbor", claim)),
            Superbox("c2cs", "c2pa.signature", Box("cbor", Cose(claim)))));
    }

    private byte[] Binding(IReadOnlyList<(ulong Start, ulong Length)> exclusions, byte[] bound)
    {
        var writer = new CborWriter();
        writer.WriteStartMap(3);
        writer.WriteTextString("exclusions");
        writer.WriteStartArray(exclusions.Count);
        foreach (var (start, length) in exclusions)
        {
            writer.WriteStartMap(2);
            writer.WriteTextString("start");
            writer.WriteUInt64(start);
            writer.WriteTextString("length");
            writer.WriteUInt64(length);
            writer.WriteEndMap();
        }

        writer.WriteEndArray();
        writer.WriteTextString("alg");
        writer.WriteTextString(HashName);
        writer.WriteTextString("hash");
        writer.WriteByteString(bound);
        writer.WriteEndMap();
        return writer.Encode();
    }

    private byte[] Claim(string[] labels, byte[][] boxes)
    {
        var writer = new CborWriter();
        writer.WriteStartMap(4);
        writer.WriteTextString("claim_generator_info");
        writer.WriteStartMap(1);
        writer.WriteTextString("name");
        writer.WriteTextString(Generator);
        writer.WriteEndMap();
        writer.WriteTextString("alg");
        writer.WriteTextString("sha256");
        writer.WriteTextString("signature");
        writer.WriteTextString(SignatureAddress);
        writer.WriteTextString("created_assertions");
        writer.WriteStartArray(labels.Length + MoreAddresses.Count);
        foreach (var (address, hash) in labels.Zip(boxes, static (label, box) => ($"self#jumbf=c2pa.assertions/{label}", SHA256.HashData(box.AsSpan(8))))
            .Concat(MoreAddresses.Select(static address => (address, new byte[32]))))
        {
            writer.WriteStartMap(2);
            writer.WriteTextString("url");
            writer.WriteTextString(address);
            writer.WriteTextString("hash");
            writer.WriteByteString(hash);
            writer.WriteEndMap();
        }

        writer.WriteEndArray();
        writer.WriteEndMap();
        return writer.Encode();
    }

    private byte[] Cose(byte[] claim)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Made signer", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (Use is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Use)], false));
        }

        using var leaf = SelfSigned
            ? request.CreateSelfSigned(Now.AddYears(-5), NotAfter)
            : request.Create(Intermediate.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(Intermediate.Key), Now.AddYears(-5), NotAfter, [1, 2, 3]);
        var above = WrongIssuer ? Authority.Create("CN=Made intermediate", Root) : Intermediate;
        byte[][] chain = SelfSigned ? [leaf.RawData] : [leaf.RawData, above.Certificate.RawData];

        var headers = new CborWriter();
        headers.WriteStartMap(2);
        headers.WriteInt32(1);
        headers.WriteInt32(Algorithm);
        headers.WriteInt32(33);
        headers.WriteStartArray(chain.Length);
        foreach (var certificate in chain)
        {
            headers.WriteByteString(certificate);
        }

        headers.WriteEndArray();
        headers.WriteEndMap();
        var isProtected = headers.Encode();

        var signed = new CborWriter();
        signed.WriteStartArray(4);
        signed.WriteTextString("Signature1");
        signed.WriteByteString(isProtected);
        signed.WriteByteString([]);
        signed.WriteByteString(claim);
        signed.WriteEndArray();

        var message = new CborWriter();
        message.WriteTag((CborTag)18);
        message.WriteStartArray(4);
        message.WriteByteString(isProtected);
        message.WriteStartMap(0);
        message.WriteEndMap();
        if (Attached)
        {
            message.WriteByteString(claim);
        }
        else
        {
            message.WriteNull();
        }

        message.WriteByteString((WrongKey ? other : key).SignData(signed.Encode(), HashAlgorithmName.SHA256));
        message.WriteEndArray();
        return message.Encode();
    }

    private sealed record Authority(X509Certificate2 Certificate, ECDsa Key)
    {
        public static Authority Create(string name, Authority? issuer)
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
            return new Authority(
                issuer is null
                    ? request.CreateSelfSigned(Now.AddYears(-10), Now.AddYears(10))
                    : request.Create(issuer.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.Key), Now.AddYears(-10), Now.AddYears(10), [7]),
                key);
        }
    }
}
