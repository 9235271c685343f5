using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Commands;

/// <summary>Standard output cannot be written. The message says why.</summary>
/// <param name="isClosed">The program was started without one.</param>
internal sealed class OutputException(Exception reason, bool isClosed) : Exception(
    isClosed ? "standard output is closed: there is nowhere to show it (> /dev/null throws it away)" : $"standard output cannot be written: {reason.GetBaseException().Message}", reason)
{
    public bool IsClosed { get; } = isClosed;

    public string Reason { get; } = isClosed ? "it is closed" : reason.GetBaseException().Message;
}

/// <summary>Standard output, where it is known what it was that failed.</summary>
/// <exception cref="OutputException">From every method that writes.</exception>
internal sealed class ResultWriter(TextWriter writer) : StandardWriter(writer)
{
    protected override void OnFailure(Exception reason) => throw new OutputException(reason, StandardStreams.IsOutputClosed);
}
