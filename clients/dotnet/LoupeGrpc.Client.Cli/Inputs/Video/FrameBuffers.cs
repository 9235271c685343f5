using System.Collections.Concurrent;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Memory for the frames of one stream, used again and again while their size stays. Thread-safe.</summary>
/// <param name="keep">Every frame gets memory of its own, which is never taken back.</param>
internal sealed class FrameBuffers(bool keep)
{
    private readonly ConcurrentBag<byte[]> _free = [];

    public byte[] Rent(int bytes)
    {
        while (_free.TryTake(out var buffer))
        {
            if (buffer.Length == bytes)
            {
                return buffer;
            }
        }

        return GC.AllocateUninitializedArray<byte>(bytes);
    }

    public void Return(byte[] buffer)
    {
        if (!keep)
        {
            _free.Add(buffer);
        }
    }
}
