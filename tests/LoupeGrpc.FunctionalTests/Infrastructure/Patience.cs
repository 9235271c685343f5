namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>How long a test waits for what must come: long enough for any machine, and a failure instead of a hang.</summary>
internal static class Patience
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Canceled when the limit or the test is over.</summary>
    public static CancellationToken Token()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(Limit);
        return source.Token;
    }

    /// <summary>Looks again and again until the condition holds: for states that nobody announces.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var token = Token();
        while (!condition())
        {
            await Task.Delay(5, token);
        }
    }
}
