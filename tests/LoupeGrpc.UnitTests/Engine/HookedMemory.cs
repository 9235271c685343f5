using System.Buffers;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Bytes that tell when somebody looks at them: the engine looks at raw pixels in its decode stage only, and tests can stop it there.</summary>
internal sealed class HookedMemory(byte[] bytes, Action onRead) : MemoryManager<byte>
{
    public override Span<byte> GetSpan()
    {
        onRead();
        return bytes;
    }

    // The length is known without a look.
    public ReadOnlyMemory<byte> Bytes => CreateMemory(bytes.Length);

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin() => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>A raw frame that stays in the decode stage until it is let go.</summary>
internal sealed class HeldFrame : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _released = new();

    public HeldFrame()
    {
        var noise = Frames.Noise(64, 48);
        Input = noise with { Data = new HookedMemory(noise.Data.ToArray(), OnRead).Bytes };
    }

    public LoupeGrpc.Engine.RawInput Input { get; }

    /// <summary>Ends when the engine reads the bytes.</summary>
    public Task Reached => _reached.Task;

    public void Release() => _released.Set();

    public void Dispose()
    {
        _released.Set();
        _released.Dispose();
    }

    private void OnRead()
    {
        _reached.TrySetResult();
        _released.Wait();
    }
}
