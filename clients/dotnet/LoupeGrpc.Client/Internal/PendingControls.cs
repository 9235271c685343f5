using System.Collections.Concurrent;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Internal;

/// <summary>Who waits for the reply to which control. Each gets the reply, or why none comes. Thread-safe but for <see cref="Enter"/>.</summary>
internal sealed class PendingControls
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<ControlReply>> _waiting = new();
    private volatile LoupeException? _fault;
    private ulong _last;

    /// <summary>Numbers a control, from 1. Call it in the order of sending.</summary>
    public Task<ControlReply> Enter(Control control)
    {
        var waiting = new TaskCompletionSource<ControlReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        control.ControlId = ++_last;
        _waiting[control.ControlId] = waiting;
        if (_fault is { } fault)
        {
            // It may have come after the table was emptied.
            waiting.TrySetException(fault);
        }

        return waiting.Task;
    }

    /// <summary>Replies that nobody waits for are ignored.</summary>
    public void Settle(ControlReply reply)
    {
        if (_waiting.TryRemove(reply.ControlId, out var waiting))
        {
            waiting.TrySetResult(reply);
        }
    }

    /// <summary>No reply comes any more.</summary>
    public void Close(LoupeException fault)
    {
        _fault = fault;
        foreach (var id in _waiting.Keys)
        {
            if (_waiting.TryRemove(id, out var waiting))
            {
                waiting.TrySetException(fault);
            }
        }
    }
}
