namespace LoupeGrpc.Server.Commands;

/// <summary>Standard error: where it cannot be written there is nobody to tell.</summary>
internal sealed class MessageWriter(TextWriter writer) : StandardWriter(writer)
{
    protected override void OnFailure(Exception reason)
    {
    }
}
