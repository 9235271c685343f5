using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

internal static class Codecs
{
    public static WorkerCodec CreateWorker(ImagingOptions? options = null) =>
        new(DecoderProgram.Find(), options ?? new ImagingOptions(), NullLogger.Instance, TimeProvider.System);
}

/// <summary>Somebody who waits for as long as it takes.</summary>
internal sealed class Unwatched : IDecodeWatch
{
    public static Unwatched Instance { get; } = new();

    public void InputIsRead()
    {
    }

    public bool IsAbandoned() => false;
}
