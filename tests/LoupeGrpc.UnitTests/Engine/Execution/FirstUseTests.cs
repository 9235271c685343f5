using LoupeGrpc.Engine.Execution;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Execution;

public sealed class FirstUseTests
{
    /// <summary>Memory that was short for one frame of a session that adapts must not end adaptation for all that come after it.</summary>
    [Fact]
    public void A_failure_is_not_kept()
    {
        int attempts = 0;
        using var made = new FirstUse<Part>(() => ++attempts < 3 ? throw new InsufficientMemoryException() : new Part());

        Assert.Throws<InsufficientMemoryException>(() => made.Value);
        Assert.Throws<InsufficientMemoryException>(() => made.Value);
        var part = made.Value;

        Assert.Same(part, made.Value);
        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task Who_comes_at_the_same_time_gets_the_same()
    {
        using var start = new Barrier(4);
        using var made = new FirstUse<Part>(static () => new Part());

        var parts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                return made.Value;
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        Assert.Single(parts.Distinct());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_what_was_made_is_disposed_of(bool isUsed)
    {
        var part = new Part();
        int attempts = 0;
        var made = new FirstUse<Part>(() =>
        {
            attempts++;
            return part;
        });
        _ = isUsed ? made.Value : null;

        made.Dispose();

        Assert.Equal((isUsed, isUsed ? 1 : 0), (part.IsDisposed, attempts));
    }

    private sealed class Part : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
