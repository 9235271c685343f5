namespace LoupeGrpc.Engine.Execution;

/// <summary>Bindings of one graph, each made when its run is first asked for. Thread-safe.</summary>
internal sealed class BindingCache<TKey>(Func<TKey, GraphBinding> bind) : IDisposable
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, GraphBinding> _bindings = [];

    public GraphBinding For(TKey run)
    {
        lock (_lock)
        {
            if (!_bindings.TryGetValue(run, out var binding))
            {
                binding = bind(run);
                _bindings.Add(run, binding);
            }

            return binding;
        }
    }

    public void Dispose()
    {
        foreach (var binding in _bindings.Values)
        {
            binding.Dispose();
        }

        _bindings.Clear();
    }
}
