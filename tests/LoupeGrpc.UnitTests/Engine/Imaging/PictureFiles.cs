using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using OpenCvSharp;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Picture files made byte by byte, for what no sample holds.</summary>
internal static class PictureFiles
{
    private const int PngHeaderEnd = 33;

    /// <summary>A JPEG up to and including its frame header.</summary>
    /// <param name="before">Segments before the frame header.</param>
    public static byte[] JpegHeader(int width, int height, byte startOfFrame = 0xC0, byte precision = 8, byte components = 3, byte[]? before = null) =>
    [
        0xFF, 0xD8, .. before ?? [],
        0xFF, startOfFrame, 0, (byte)(8 + (3 * components)), precision,
        (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, components, .. new byte[3 * components],
    ];

    public static byte[] PngChunk(string name, params byte[] content)
    {
        byte[] chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        Encoding.ASCII.GetBytes(name, chunk.AsSpan(4));
        content.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), Crc32.HashToUInt32(chunk.AsSpan(4, 4 + content.Length)));
        return chunk;
    }

    /// <summary>Signature and IHDR.</summary>
    public static byte[] PngHeader(uint width, uint height, byte depth = 8, byte colorType = 2)
    {
        byte[] content = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(content, width);
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(4), height);
        content[8] = depth;
        content[9] = colorType;
        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. PngChunk("IHDR", content)];
    }

    /// <summary>Puts chunks behind IHDR.</summary>
    public static byte[] WithPngChunks(byte[] png, params byte[][] chunks) =>
        [.. png.AsSpan(0, PngHeaderEnd), .. chunks.SelectMany(static chunk => chunk), .. png.AsSpan(PngHeaderEnd)];

    /// <summary>An animation of two frames of one size, the first of which is what a decoder that knows no animations shows.</summary>
    public static byte[] AnimatedPng(byte[] first, byte[] second)
    {
        byte[] header = first[..PngHeaderEnd];
        byte[] size = header[16..24];
        return
        [
            .. header,
            .. PngChunk("acTL", 0, 0, 0, 2, 0, 0, 0, 0),
            .. PngChunk("fcTL", [0, 0, 0, 0, .. size, .. new byte[8], 0, 1, 0, 10, 0, 0]),
            .. PngChunk("IDAT", PngData(first)),
            .. PngChunk("fcTL", [0, 0, 0, 1, .. size, .. new byte[8], 0, 1, 0, 10, 0, 0]),
            .. PngChunk("fdAT", [0, 0, 0, 2, .. PngData(second)]),
            .. PngChunk("IEND"),
        ];
    }

    /// <summary>An uncompressed TIFF with a directory a page, all showing the same samples.</summary>
    /// <param name="samples">Row by row, in the byte order of the file.</param>
    public static byte[] Tiff(
        int width,
        int height,
        int bits,
        int samplesPerPixel,
        int photometric,
        byte[] samples,
        bool bigEndian = false,
        int orientation = 1,
        int? extraSample = null,
        int sampleFormat = 1,
        int pages = 1)
    {
        const int DataOffset = 8;
        const int BitsTag = 258;
        const int ShortType = 3;
        const int LongType = 4;
        var tags = new List<(int Tag, int Type, int Value)>
        {
            (256, LongType, width), (257, LongType, height), (BitsTag, ShortType, bits), (259, ShortType, 1), (262, ShortType, photometric),
            (273, LongType, DataOffset), (274, ShortType, orientation), (277, ShortType, samplesPerPixel), (278, LongType, height),
            (279, LongType, samples.Length),
        };
        if (extraSample is { } extra)
        {
            tags.Add((338, ShortType, extra));
        }

        tags.Add((339, ShortType, sampleFormat));

        int bitsOffset = DataOffset + samples.Length + (samples.Length & 1);
        int firstDirectory = bitsOffset + (2 * samplesPerPixel);
        int directoryLength = 2 + (12 * tags.Count) + 4;
        byte[] file = new byte[firstDirectory + (pages * directoryLength)];
        (bigEndian ? "MM\0*"u8 : "II*\0"u8).CopyTo(file);
        Write32(4, firstDirectory);
        samples.CopyTo(file, DataOffset);
        for (int i = 0; i < samplesPerPixel; i++)
        {
            Write16(bitsOffset + (2 * i), bits);
        }

        for (int page = 0; page < pages; page++)
        {
            int position = firstDirectory + (page * directoryLength);
            Write16(position, tags.Count);
            position += 2;
            foreach (var (tag, type, value) in tags)
            {
                // Several bit depths do not fit into the entry.
                bool elsewhere = tag == BitsTag && samplesPerPixel > 1;
                Write16(position, tag);
                Write16(position + 2, type);
                Write32(position + 4, elsewhere ? samplesPerPixel : 1);
                if (elsewhere)
                {
                    Write32(position + 8, bitsOffset);
                }
                else if (type == ShortType)
                {
                    Write16(position + 8, value);
                }
                else
                {
                    Write32(position + 8, value);
                }

                position += 12;
            }

            Write32(position, page + 1 < pages ? firstDirectory + ((page + 1) * directoryLength) : 0);
        }

        return file;

        void Write16(int position, int value)
        {
            if (bigEndian)
            {
                BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(position), (ushort)value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(position), (ushort)value);
            }
        }

        void Write32(int position, int value)
        {
            if (bigEndian)
            {
                BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(position), value);
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(position), value);
            }
        }
    }

    /// <summary>A directory with nothing but an orientation, as EXIF blocks are.</summary>
    public static byte[] Exif(byte orientation) =>
        [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];

    /// <summary>The APP1 segment of a JPEG around it.</summary>
    public static byte[] JpegExif(byte orientation)
    {
        byte[] content = [.. "Exif\0\0"u8, .. Exif(orientation)];
        return [0xFF, 0xE1, 0, (byte)(content.Length + 2), .. content];
    }

    public static byte[] BmpHeader(int width, int height, ushort bits = 24, uint compression = 0)
    {
        byte[] header = new byte[54];
        "BM"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), header.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(26), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), bits);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(30), compression);
        return header;
    }

    public static byte[] WebP(params byte[][] chunks)
    {
        byte[] body = [.. "WEBP"u8, .. chunks.SelectMany(static chunk => chunk)];
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, body.Length);
        return [.. "RIFF"u8, .. size, .. body];
    }

    public static byte[] WebPChunk(string name, params byte[] content)
    {
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, content.Length);
        return [.. Encoding.ASCII.GetBytes(name), .. size, .. content, .. new byte[content.Length & 1]];
    }

    /// <param name="flags">0x10 alpha, 0x02 animation.</param>
    public static byte[] WebPCanvas(int width, int height, byte flags) =>
        WebPChunk("VP8X", [flags, 0, 0, 0, .. UInt24(width - 1), .. UInt24(height - 1)]);

    /// <summary>An animation whose frames are whole lossless files of the canvas's size.</summary>
    public static byte[] AnimatedWebP(int width, int height, params byte[][] losslessFiles) => WebP(
    [
        WebPCanvas(width, height, flags: 0x02),
        WebPChunk("ANIM", new byte[6]),
        .. losslessFiles.Select(file => WebPChunk("ANMF", [.. new byte[6], .. UInt24(width - 1), .. UInt24(height - 1), 100, 0, 0, 0, .. file.AsSpan(12)])),
    ]);

    /// <summary>Written by OpenCV.</summary>
    public static byte[] Encode(string extension, Mat picture, params ImageEncodingParam[] parameters)
    {
        Cv2.ImEncode(extension, picture, out byte[] file, parameters);
        return file;
    }

    private static byte[] UInt24(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];

    private static byte[] PngData(byte[] png)
    {
        byte[] data = [];
        for (int position = PngHeaderEnd; position < png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(position));
            if (png.AsSpan(position + 4, 4).SequenceEqual("IDAT"u8))
            {
                data = [.. data, .. png.AsSpan(position + 8, length)];
            }

            position += 12 + length;
        }

        return data;
    }
}
