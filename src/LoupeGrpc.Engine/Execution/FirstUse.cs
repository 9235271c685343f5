namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// Something that is made when it is first asked for, and then kept. Unlike <see cref="Lazy{T}"/> it keeps no failure: who asks after one makes it anew, for
/// what was missing then, memory above all, may be there now. Thread-safe, but for disposal.
/// </summary>
internal sealed class FirstUse<T>(Func<T> create) : IDisposable
    where T : class, IDisposable
{
    private readonly Lock _lock = new();
    private T? _value;

    /// <exception cref="Exception">What making it threw, each time.</exception>
    public T Value
    {
        get
        {
            lock (_lock)
            {
                return _value ??= create();
            }
        }
    }

    /// <summary>Of what was made, if it was.</summary>
    public void Dispose() => _value?.Dispose();
}
