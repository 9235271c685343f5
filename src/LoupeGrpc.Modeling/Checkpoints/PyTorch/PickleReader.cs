using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>
/// Reads the pickle of a <c>torch.save</c> archive with the opcodes that tensors and plain values need. Nothing is run: a name that is not in
/// <see cref="PickleGlobals"/> is refused where it is mentioned, and so is every other opcode. Work and memory are bounded by the limits below.
/// </summary>
internal sealed class PickleReader
{
    /// <summary>Bytes of a pickle; that of the published L14 model has about 100 KB.</summary>
    internal const int MaxBytes = 16 << 20;

    private const int MaxOperations = 1_000_000;
    private const int MaxDimensions = 32;

    /// <summary>Elements of a tensor; a view that repeats elements may claim any number.</summary>
    private const long MaxTensorLength = 1L << 40;

    private const int HighestProtocol = 5;

    /// <summary>Stands on the stack where a group of values begins.</summary>
    private static readonly object Mark = new();

    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position;

    private PickleReader(string path, byte[] bytes)
    {
        _path = path;
        _bytes = bytes;
    }

    /// <summary>The value that the pickle holds.</summary>
    /// <param name="path">Of the archive, for messages.</param>
    /// <exception cref="CheckpointException">The pickle is damaged, asks for code to be run, or is past a limit.</exception>
    internal static object? Read(string path, byte[] bytes) => new PickleReader(path, bytes).Run();

    private object? Run()
    {
        for (var operations = 0; operations < MaxOperations; operations++)
        {
            var opcode = (char)ReadByte();
            if (opcode == '.')
            {
                return _stack is [var result] && result != Mark ? result : throw Fault("does not end with exactly one value");
            }

            Execute(opcode);
        }

        throw Fault($"has more than {MaxOperations} operations");
    }

    private void Execute(char opcode)
    {
        switch (opcode)
        {
            case '\x80':
                var protocol = ReadByte();
                if (protocol > HighestProtocol)
                {
                    throw Fault($"uses protocol {protocol}; the newest that can be read is {HighestProtocol}");
                }

                break;
            case '\x95': // FRAME: only a hint for reading ahead
                ReadInt64();
                break;
            case '(':
                _stack.Add(Mark);
                break;
            case '0':
                Pop();
                break;
            case '1':
                PopToMark();
                break;
            case 'N':
                _stack.Add(null);
                break;
            case '\x88':
                _stack.Add(true);
                break;
            case '\x89':
                _stack.Add(false);
                break;
            case 'J':
                _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int))));
                break;
            case 'K':
                _stack.Add((long)ReadByte());
                break;
            case 'M':
                _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort))));
                break;
            case '\x8a':
                _stack.Add(ReadLong(ReadByte()));
                break;
            case 'G':
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double))));
                break;
            case '\x8c':
                _stack.Add(ReadText(ReadByte()));
                break;
            case 'X':
                _stack.Add(ReadText(ReadUInt32()));
                break;
            case '\x8d':
                _stack.Add(ReadText(ReadInt64()));
                break;
            case 'C':
                PushBytes(ReadByte());
                break;
            case 'B':
                PushBytes(ReadUInt32());
                break;
            case '\x8e' or '\x96':
                PushBytes(ReadInt64());
                break;
            case ')':
                _stack.Add(Array.Empty<object?>());
                break;
            case '\x85' or '\x86' or '\x87':
                PushTuple(opcode - '\x84');
                break;
            case 't':
                _stack.Add(PopToMark());
                break;
            case ']':
                _stack.Add(new List<object?>());
                break;
            case 'a':
                var item = Pop();
                Top<List<object?>>("a list").Add(item);
                break;
            case 'e':
                var items = PopToMark();
                Top<List<object?>>("a list").AddRange(items);
                break;
            case '}':
                _stack.Add(new PickleDict());
                break;
            case 's':
                var value = Pop();
                var key = Pop();
                Set(key, value);
                break;
            case 'u':
                SetAll(PopToMark());
                break;
            case '\x8f':
                _stack.Add(PickleOpaque.Instance);
                break;
            case '\x90':
                PopToMark();
                Top<PickleOpaque>("a set");
                break;
            case '\x91':
                PopToMark();
                _stack.Add(PickleOpaque.Instance);
                break;
            case 'q':
                _memo[ReadByte()] = Top<object>("a value");
                break;
            case 'r':
                _memo[ReadUInt32()] = Top<object>("a value");
                break;
            case '\x94':
                _memo[(uint)_memo.Count] = Top<object>("a value");
                break;
            case 'h':
                PushMemo(ReadByte());
                break;
            case 'j':
                PushMemo(ReadUInt32());
                break;
            case 'c':
                PushGlobal(ReadLine(), ReadLine());
                break;
            case '\x93':
                var name = Pop() as string;
                PushGlobal(Pop() as string ?? "?", name ?? "?");
                break;
            case 'Q':
                _stack.Add(ToStorage(Pop()));
                break;
            case 'R' or '\x81':
                var arguments = Pop() as object?[] ?? throw Fault("calls something without a tuple of arguments");
                _stack.Add(Call(Pop() as PickleGlobal ?? throw Fault("calls something that is not a function"), arguments));
                break;
            case 'b':
                // The attributes of a state_dict, of a tensor and of what no tensor needs are of no use here; anything else has none.
                Pop();
                if (_stack is not [.., PickleDict or PickleTensor or PickleOpaque])
                {
                    throw Fault("sets the state of something other than a dict or a tensor");
                }

                break;
            default:
                throw Fault($"uses opcode 0x{(int)opcode:X2}, which tensors and plain values do not need");
        }
    }

    private object? Call(PickleGlobal global, object?[] arguments) => global.Kind switch
    {
        PickleGlobalKind.RebuildTensor => RebuildTensor(arguments),
        PickleGlobalKind.RebuildParameter => arguments is [PickleTensor tensor, ..] ? tensor : throw Fault("has a parameter without a tensor"),
        PickleGlobalKind.NewDict => arguments is [] or [PickleGlobal] ? new PickleDict() : throw Fault($"builds a {global.Name} from arguments, which no state_dict needs"),
        PickleGlobalKind.Opaque => PickleOpaque.Instance,
        _ => throw Fault($"calls {global.Name}"),
    };

    private PickleTensor RebuildTensor(object?[] arguments)
    {
        if (arguments is not [PickleStorage storage, long offset, object?[] shape, object?[] strides, ..]
            || shape.Length != strides.Length || shape.Length > MaxDimensions
            || !shape.Concat(strides).All(value => value is long and >= 0) || offset < 0)
        {
            throw Fault("has a tensor whose storage, offset, size or strides make no sense");
        }

        var tensor = new PickleTensor(storage, offset, [.. shape.Cast<long>()], [.. strides.Cast<long>()]);
        var shown = $"[{string.Join(", ", tensor.Shape)}]";
        long length;
        long last;
        try
        {
            length = tensor.Length;
            last = checked(offset + tensor.Shape.Zip(tensor.Strides, (side, stride) => checked(Math.Max(0, side - 1) * stride)).Sum());
        }
        catch (OverflowException exception)
        {
            throw Fault($"has a tensor of the impossible shape {shown}", exception);
        }

        if (length > MaxTensorLength)
        {
            throw Fault($"has a tensor of the impossible shape {shown}");
        }

        return length == 0 || last < storage.Length
            ? tensor
            : throw Fault($"has a tensor of shape {shown} that reaches past the {storage.Length} elements of storage {storage.Key}");
    }

    private PickleStorage ToStorage(object? id)
    {
        if (id is not object?[] parts || parts is not ["storage", PickleGlobal { Kind: PickleGlobalKind.Storage } type, string key, string, long length])
        {
            throw Fault("refers to something outside itself that is not a storage");
        }

        return length >= 0 && length <= long.MaxValue / sizeof(double)
            ? new PickleStorage(key, type.StorageType!.Value, length)
            : throw Fault($"has a storage {key} of {length} elements");
    }

    private void PushGlobal(string module, string name)
    {
        const int MaxShownLength = 200;
        var full = $"{module}.{name}";
        _stack.Add(PickleGlobals.Find(module, name) ?? throw Fault(
            full.StartsWith("torch.", StringComparison.Ordinal) && full.EndsWith("Storage", StringComparison.Ordinal)
                ? $"has a tensor of type {full}, which is not supported"
                : $"asks for {(full.Length > MaxShownLength ? full[..MaxShownLength] : full)}, and only tensors and plain values are read: nothing in a checkpoint is run. Save its state_dict alone"));
    }

    private void Set(object? key, object? value)
    {
        var dict = Top<PickleDict>("a dict");
        if (key is string name)
        {
            dict.Entries[name] = value;
        }
    }

    private void SetAll(object?[] pairs)
    {
        if (pairs.Length % 2 != 0)
        {
            throw Fault("has a dict key without a value");
        }

        for (var i = 0; i < pairs.Length; i += 2)
        {
            Set(pairs[i], pairs[i + 1]);
        }
    }

    private void PushTuple(int count)
    {
        var tuple = new object?[count];
        for (var i = count - 1; i >= 0; i--)
        {
            tuple[i] = Pop();
        }

        _stack.Add(tuple);
    }

    private void PushBytes(long length)
    {
        Take(length);
        _stack.Add(PickleOpaque.Instance);
    }

    private void PushMemo(uint index) => _stack.Add(_memo.TryGetValue(index, out var value) ? value : throw Fault($"reads memo entry {index}, which it never wrote"));

    private object? Pop()
    {
        if (_stack.Count == 0 || _stack[^1] == Mark)
        {
            throw Fault("takes a value from an empty stack");
        }

        var value = _stack[^1];
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        if (mark < 0)
        {
            throw Fault("closes a group of values that it never opened");
        }

        var values = _stack.GetRange(mark + 1, _stack.Count - mark - 1).ToArray();
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private T Top<T>(string what)
        where T : class
        => _stack.Count > 0 && _stack[^1] != Mark && _stack[^1] is T value ? value : throw Fault($"expects {what} on top of its stack");

    private byte ReadByte() => Take(1)[0];

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    private long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    private object ReadLong(int length)
    {
        var value = new BigInteger(Take(length));
        return value >= long.MinValue && value <= long.MaxValue ? (long)value : PickleOpaque.Instance;
    }

    private string ReadText(long length) => Encoding.UTF8.GetString(Take(length));

    private string ReadLine()
    {
        var end = Array.IndexOf(_bytes, (byte)'\n', _position);
        if (end < 0)
        {
            throw Fault("ends in the middle of a name");
        }

        var line = ReadText(end - _position);
        _position++;
        return line;
    }

    private ReadOnlySpan<byte> Take(long length)
    {
        if (length < 0 || length > _bytes.Length - _position)
        {
            throw Fault("ends in the middle of a value");
        }

        var taken = _bytes.AsSpan(_position, (int)length);
        _position += taken.Length;
        return taken;
    }

    private CheckpointException Fault(string problem, Exception? inner = null) => CheckpointException.InFile(_path, $"its pickle {problem}", inner);
}
