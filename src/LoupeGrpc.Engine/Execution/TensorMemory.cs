using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// Where the tensors of one target lie: what the processor fills and reads in memory that the device copies from and to without a detour, what only
/// graphs pass to each other in the device's own.
/// </summary>
internal sealed class TensorMemory : IDisposable
{
    private readonly Place _host;
    private readonly Place _device;

    private TensorMemory(Place host, Place device) => (_host, _device) = (host, device);

    /// <param name="session">Gives the memory; must outlive it.</param>
    /// <exception cref="OnnxRuntimeException">The provider has no such memory.</exception>
    public static TensorMemory Create(ExecutionTarget target, InferenceSession session)
    {
        switch (target.Kind)
        {
            case ProviderKind.Cpu:
                return new TensorMemory(new Place(null, OrtMemoryInfo.DefaultInstance), new Place(null, OrtMemoryInfo.DefaultInstance));
            case ProviderKind.Cuda or ProviderKind.TensorRt:
                return new TensorMemory(
                    Place.Of(session, new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA_PINNED, OrtAllocatorType.DeviceAllocator, target.DeviceIndex, OrtMemType.CpuOutput)),
                    Place.Of(session, new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, target.DeviceIndex, OrtMemType.Default)));
            default:
                var device = PluginLibraries.Device(target);
                return new TensorMemory(
                    Place.Of(session, Offered(device, OrtDeviceMemoryType.HOST_ACCESSIBLE) ?? OrtMemoryInfo.DefaultInstance),
                    Place.Of(session, Offered(device, OrtDeviceMemoryType.DEFAULT) ?? OrtMemoryInfo.DefaultInstance));
        }
    }

    /// <summary>Memory that the processor fills and reads, zeroed.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough.</exception>
    public MemoryBlock AllocateHost(long length) => _host.Allocate(length, isHost: true);

    /// <summary>Memory that only graphs fill and read.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough.</exception>
    public MemoryBlock AllocateDevice(long length) => _device.Allocate(length, isHost: false);

    public void Dispose()
    {
        _host.Allocator?.Dispose();
        _device.Allocator?.Dispose();
    }

    private static OrtMemoryInfo? Offered(OrtEpDevice device, OrtDeviceMemoryType type)
    {
        try
        {
            var info = device.GetMemoryInfo(type);
            return info is null || info.IsInvalid ? null : info;
        }
        catch (OnnxRuntimeException)
        {
            // It has no memory of its own, or none that the processor reaches.
            return null;
        }
    }

    /// <param name="Allocator">Null: the collector's heap.</param>
    private sealed record Place(OrtAllocator? Allocator, OrtMemoryInfo Info)
    {
        public static Place Of(InferenceSession session, OrtMemoryInfo info) => new(new OrtAllocator(session, info), info);

        public MemoryBlock Allocate(long length, bool isHost) =>
            Allocator is null ? new ManagedBlock(length) : new AllocatedBlock(Allocator, Info, length, isHost);
    }
}
