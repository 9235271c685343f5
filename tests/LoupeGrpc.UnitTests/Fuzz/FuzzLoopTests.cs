using System.Runtime.CompilerServices;
using LoupeGrpc.Fuzz;
using Xunit;

namespace LoupeGrpc.UnitTests.Fuzz;

/// <summary>That the loop finds what it is there to find.</summary>
public sealed class FuzzLoopTests
{
    private const int Seed = 1;
    private const int Runs = 20_000;

    private static readonly byte[][] _corpus = ["head: 100"u8.ToArray()];

    [Fact]
    public void An_exception_that_is_no_refusal_is_a_finding()
    {
        var target = Target([MethodImpl(MethodImplOptions.NoInlining)] static (input) =>
        {
            if (input.AsSpan().IndexOf("magic"u8) >= 0 && input[0] == 'h')
            {
                throw new InvalidOperationException();
            }

            throw new FormatException();
        });

        var finding = Assert.Single(new FuzzLoop(target, new FuzzBudget(null, Runs, Seed)).Run(_corpus).Findings);

        Assert.StartsWith("InvalidOperationException ", finding.Kind, StringComparison.Ordinal);
        Assert.Equal("hmagic"u8.ToArray(), FuzzRun.Shorten(target, finding).Input);
    }

    [Fact]
    public void Memory_out_of_all_proportion_is_a_finding()
    {
        var target = Target(static input => GC.KeepAlive(new byte[input.Length > 30 ? 2 << 20 : 1])) with { MaxAllocation = 1 << 20 };

        Assert.Equal("allocation", Assert.Single(new FuzzLoop(target, new FuzzBudget(null, Runs, Seed)).Run(_corpus).Findings).Kind);
    }

    [Fact]
    public void A_checksum_is_put_right_for_most_inputs_and_not_for_all()
    {
        var (right, wrong) = (0, 0);
        var target = Target(input => _ = input.Length > 0 && input[^1] == Sum(input) ? right++ : wrong++) with
        {
            Repair = static input =>
            {
                if (input.Length > 0)
                {
                    input[^1] = Sum(input);
                }
            },
        };

        new FuzzLoop(target, new FuzzBudget(null, Runs, Seed)).Run(_corpus);

        Assert.InRange(right, Runs / 2, Runs * 19 / 20);
        Assert.True(wrong > 0);

        static byte Sum(byte[] input) => (byte)input.AsSpan(0, input.Length - 1).ToArray().Sum(static value => value);
    }

    [Fact]
    public void The_same_seed_gives_the_same_inputs()
    {
        Assert.Equal(Inputs(Seed), Inputs(Seed));
        Assert.NotEqual(Inputs(Seed), Inputs(Seed + 1));

        static List<string> Inputs(int seed)
        {
            var inputs = new List<string>();
            new FuzzLoop(Target(input => inputs.Add(Convert.ToHexString(input))), new FuzzBudget(null, 200, seed)).Run(_corpus);
            return inputs;
        }
    }

    [Fact]
    public void Inputs_are_no_longer_than_the_target_takes()
    {
        var longest = 0;
        var target = Target(input => longest = Math.Max(longest, input.Length)) with { MaxLength = 50 };

        new FuzzLoop(target, new FuzzBudget(null, Runs, Seed)).Run(_corpus);

        Assert.Equal(50, longest);
    }

    private static FuzzTarget Target(Action<byte[]> run) => new("test", run, typeof(FormatException)) { Parsers = [], Tokens = ["magic"u8.ToArray()] };
}
