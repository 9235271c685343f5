using System.IO.MemoryMappedFiles;

namespace LoupeGrpc.Fuzz;

/// <summary>The input that a worker is about to run, in a mapped file: whoever started the worker finds it there when the worker did not live to tell.</summary>
internal sealed class LastInput : IDisposable
{
    private const int Capacity = 1 << 20;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public LastInput(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, mapName: null, Capacity);
        _view = _file.CreateViewAccessor();
    }

    public void Set(byte[] input)
    {
        _view.WriteArray(sizeof(int), input, 0, Math.Min(input.Length, Capacity - sizeof(int)));
        _view.Write(0, input.Length);
    }

    public byte[] Get()
    {
        var input = new byte[_view.ReadInt32(0)];
        _view.ReadArray(sizeof(int), input, 0, input.Length);
        return input;
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
