namespace LoupeGrpc.Client.Internal;

/// <summary>What stands behind an exception.</summary>
internal static class Causes
{
    /// <summary>The exception itself and its causes, the innermost last.</summary>
    /// <param name="error">Null: none.</param>
    public static IEnumerable<Exception> Of(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            yield return error;
        }
    }

    /// <summary>The outermost of a kind; null: there is none.</summary>
    public static TCause? Of<TCause>(Exception? error)
        where TCause : Exception => Of(error).OfType<TCause>().FirstOrDefault();
}
