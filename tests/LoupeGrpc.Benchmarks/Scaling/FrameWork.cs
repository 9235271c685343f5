namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>What one frame takes of a replica that does nothing else, seconds. Preprocessing is part of decoding; 0 where a stage does not run.</summary>
/// <param name="Serve">Of one processor, around the engine: receiving, hashing, answering.</param>
internal readonly record struct FrameWork(double Serve, double Decode, double Encode, double Segment, double Mask, double Adapt);

/// <summary>What a run of a device takes: seconds for each run, and for each frame in it.</summary>
internal readonly record struct DeviceRun(double Run, double Frame)
{
    public double Of(int frames) => Run + (frames * Frame);
}

/// <summary>A device beside the processors, one run of it at a time.</summary>
/// <param name="MaxBatch">Frames that share a run.</param>
/// <param name="Step">A step of adaptation, seconds.</param>
internal sealed record DeviceTimes(DeviceRun Encode, DeviceRun Segment, double Step, int MaxBatch);

/// <summary>One server and what it may use.</summary>
/// <param name="Processors">That compute at a time.</param>
/// <param name="Threads">Processors that a run of a graph keeps busy, where there is no device.</param>
/// <param name="Device">Null: the processors run the graphs.</param>
internal sealed record Replica(int Processors, double Threads, DeviceTimes? Device)
{
    /// <summary>As the server chooses where it is not told (<c>Loupe:Engine:DecodeWorkers</c>).</summary>
    public int DecodeWorkers => Math.Clamp(Processors / 2, 2, 64);
}
