using LoupeGrpc.Native;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// What ONNX Runtime keeps mapped of weight files. It repacks most weights into memory of its own and reads the rest from the file at every run: where that is
/// truncated the process would be killed (SIGBUS), and where it is rewritten the server would answer with other weights. Thread-safe.
/// </summary>
internal static class WeightMappings
{
    /// <summary>Held for reading by those who map and unmap, for writing by who replaces what is mapped.</summary>
    private static readonly ReaderWriterLockSlim _lock = new();

    /// <summary>Loads or ends sessions: both map and unmap weights.</summary>
    public static T Change<T>(Func<T> change)
    {
        _lock.EnterReadLock();
        try
        {
            return change();
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <inheritdoc cref="Change{T}(Func{T})"/>
    public static void Change(Action change) => Change(() =>
    {
        change();
        return true;
    });

    /// <summary>Makes sessions that are loaded independent of the file of their weights.</summary>
    /// <exception cref="ModelLoadException">The file became shorter meanwhile, or there is not enough memory.</exception>
    public static void Detach(string path)
    {
        _lock.EnterWriteLock();
        try
        {
            MappedFile.Detach(path);
        }
        catch (NativeException exception)
        {
            throw new ModelLoadException($"{path} cannot be kept in memory: {exception.Message}", exception);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }
}
