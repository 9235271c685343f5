namespace LoupeGrpc.Server.Commands;

/// <summary>'ulimit -v' leaves a server less than it starts with.</summary>
internal sealed class AddressSpaceException(ulong limit) : Exception(
    $"The address space of this process is limited to {limit >> 20} MiB, which is too little for a server (at least {Least >> 20} MiB): remove the limit with 'ulimit -v unlimited'")
{
    /// <summary>
    /// Bytes. With the embedded model, 30 threads and nothing to do it takes 5.7 GiB, most of it reserved and never touched. Below, what fails first is chance: a
    /// library that is not mapped, which can be said, or memory or a thread of the runtime, which ends the process by SIGABRT.
    /// </summary>
    private const ulong Least = 6UL << 30;

    /// <exception cref="AddressSpaceException"/>
    public static void ThrowIfLess(ulong limit)
    {
        if (limit < Least)
        {
            throw new AddressSpaceException(limit);
        }
    }
}
