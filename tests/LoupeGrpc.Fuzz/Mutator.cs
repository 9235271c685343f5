using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace LoupeGrpc.Fuzz;

/// <summary>
/// Makes inputs out of others by the changes that general fuzzers found to work: bits, bytes, borders of number ranges, blocks that go, come or move,
/// words of the format, halves of two inputs. The same seed and inputs give the same changes. Not thread-safe.
/// </summary>
internal sealed class Mutator(FuzzTarget target, int seed)
{
    private const int MaxStacked = 6;
    private const int MaxBlock = 64;
    private const int MaxDelta = 35;

    /// <summary>Of eight mutated inputs, those that are made whole again. The others test the check itself.</summary>
    private const int RepairedOfEight = 7;

    private static readonly long[] Borders =
    [
        0, 1, -1, 2, 7, 8, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 1024, 4095, 4096, short.MaxValue, short.MinValue, ushort.MaxValue,
        65536, 100_000_000, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, long.MaxValue, long.MinValue,
    ];

    private readonly Random _random = new(seed);

    /// <summary>An input made of one of several.</summary>
    /// <param name="inputs">At least one.</param>
    public byte[] Next(IReadOnlyList<byte[]> inputs)
    {
        var bytes = new List<byte>(inputs[_random.Next(inputs.Count)]);
        for (var left = 1 << _random.Next(MaxStacked); left > 0; left--)
        {
            Change(bytes, inputs);
        }

        if (bytes.Count > target.MaxLength)
        {
            bytes.RemoveRange(target.MaxLength, bytes.Count - target.MaxLength);
        }

        byte[] input = [.. bytes];
        if (target.Repair is not null && _random.Next(8) < RepairedOfEight)
        {
            target.Repair(input);
        }

        return input;
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> inputs)
    {
        if (bytes.Count == 0)
        {
            Insert(bytes, RandomBytes(1 + _random.Next(MaxBlock)));
            return;
        }

        switch (_random.Next(12))
        {
            case 0:
                bytes[_random.Next(bytes.Count)] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[_random.Next(bytes.Count)] = (byte)_random.Next(256);
                break;
            case 2:
                AddToNumber(bytes);
                break;
            case 3:
                Overwrite(bytes, Number(Borders[_random.Next(Borders.Length)], 1 << _random.Next(4)));
                break;
            case 4:
                var (start, length) = Block(bytes.Count);
                bytes.RemoveRange(start, length);
                break;
            case 5:
                (start, length) = Block(bytes.Count);
                Insert(bytes, [.. bytes.GetRange(start, length)]);
                break;
            case 6:
                Insert(bytes, _random.Next(2) == 0 ? RandomBytes(1 + _random.Next(MaxBlock)) : [.. Enumerable.Repeat((byte)_random.Next(256), 1 + _random.Next(MaxBlock))]);
                break;
            case 7:
                (start, length) = Block(bytes.Count);
                Overwrite(bytes, [.. bytes.GetRange(start, length)]);
                break;
            case 8:
                var other = inputs[_random.Next(inputs.Count)];
                var cut = _random.Next(bytes.Count + 1);
                bytes.RemoveRange(cut, bytes.Count - cut);
                bytes.AddRange(other.AsSpan(_random.Next(other.Length + 1)));
                break;
            case 9 when target.Tokens.Count > 0:
                Insert(bytes, target.Tokens[_random.Next(target.Tokens.Count)]);
                break;
            case 10 when target.Tokens.Count > 0:
                Overwrite(bytes, target.Tokens[_random.Next(target.Tokens.Count)]);
                break;
            case 11:
                ChangeWrittenNumber(bytes);
                break;
            default:
                bytes.RemoveRange(_random.Next(bytes.Count), 1);
                break;
        }
    }

    private void AddToNumber(List<byte> bytes)
    {
        var size = Math.Min(1 << _random.Next(4), HighestPowerOfTwo(bytes.Count));
        var at = _random.Next(bytes.Count - size + 1);
        var little = _random.Next(2) == 0;
        ulong value = 0;
        for (var i = 0; i < size; i++)
        {
            value |= (ulong)bytes[at + i] << (8 * (little ? i : size - 1 - i));
        }

        value += (ulong)_random.Next(-MaxDelta, MaxDelta + 1);
        for (var i = 0; i < size; i++)
        {
            bytes[at + i] = (byte)(value >> (8 * (little ? i : size - 1 - i)));
        }
    }

    /// <summary>Replaces digits that stand in the input by another number.</summary>
    private void ChangeWrittenNumber(List<byte> bytes)
    {
        var start = bytes.FindIndex(_random.Next(bytes.Count), static value => char.IsAsciiDigit((char)value));
        if (start < 0)
        {
            bytes[_random.Next(bytes.Count)] = (byte)('0' + _random.Next(10));
            return;
        }

        var end = bytes.FindIndex(start, static value => !char.IsAsciiDigit((char)value));
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(Borders[_random.Next(Borders.Length)].ToString(CultureInfo.InvariantCulture)));
    }

    private byte[] Number(long value, int size)
    {
        var bytes = new byte[sizeof(long)];
        if (_random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            return bytes[..size];
        }

        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes[^size..];
    }

    private void Insert(List<byte> bytes, byte[] block) => bytes.InsertRange(_random.Next(bytes.Count + 1), block);

    private void Overwrite(List<byte> bytes, byte[] block)
    {
        var start = _random.Next(bytes.Count);
        for (var i = 0; i < block.Length && start + i < bytes.Count; i++)
        {
            bytes[start + i] = block[i];
        }
    }

    private (int Start, int Length) Block(int length)
    {
        var start = _random.Next(length);
        return (start, 1 + _random.Next(Math.Min(MaxBlock, length - start)));
    }

    private byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private static int HighestPowerOfTwo(int value) => 1 << int.Log2(value);
}
