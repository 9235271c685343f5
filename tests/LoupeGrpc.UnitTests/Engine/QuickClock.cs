using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Moves only when it is read: a run of many frames is as quick as a run of one, so that many are preferred wherever many wait.</summary>
internal sealed class QuickClock : FakeTimeProvider
{
    public QuickClock() => AutoAdvanceAmount = TimeSpan.FromMicroseconds(1);
}
