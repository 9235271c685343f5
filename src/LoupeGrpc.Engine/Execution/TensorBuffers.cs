using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Buffers that come and go together.</summary>
internal sealed class TensorBuffers(TensorMemory memory) : IDisposable
{
    private readonly List<TensorBuffer> _buffers = [];

    /// <summary>For the processor and for graphs, in single precision, zeroed.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public TensorBuffer Host(long[] shape) => Own(TensorBuffer.Allocate(memory.AllocateHost, ElementType.Float32, shape));

    /// <summary>For graphs only.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public TensorBuffer Device(ElementType type, long[] shape) => Own(TensorBuffer.Allocate(memory.AllocateDevice, type, shape));

    /// <summary>After the last run that reads or writes one of them.</summary>
    public void Dispose()
    {
        _buffers.ForEach(static buffer => buffer.Dispose());
        _buffers.Clear();
    }

    private TensorBuffer Own(TensorBuffer buffer)
    {
        _buffers.Add(buffer);
        return buffer;
    }
}
