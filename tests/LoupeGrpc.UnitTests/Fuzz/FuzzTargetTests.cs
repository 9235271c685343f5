using LoupeGrpc.Fuzz;
using Xunit;

namespace LoupeGrpc.UnitTests.Fuzz;

/// <summary>Every target for a few seconds, without coverage and the same inputs each time. <c>./test.sh --fuzz</c> goes on from there.</summary>
public sealed class FuzzTargetTests
{
    private const int Mutations = 2000;
    private const int Seed = 20250131;

    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Select(static target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_and_its_mutations_are_read_or_refused(string name)
    {
        var target = FuzzTargets.Find(name);
        var corpus = Corpus.Read(target);
        Assert.DoesNotContain(corpus, static input => input.Length == 0);

        var report = new FuzzLoop(target, new FuzzBudget(Time: null, corpus.Count + Mutations, Seed)).Run(corpus);

        Assert.Equal(corpus.Count + Mutations, report.Runs);
        Assert.True(report.Findings.Count == 0, string.Join(Environment.NewLine, report.Findings.Select(static finding => $"{finding.Details}{Environment.NewLine}{Convert.ToBase64String(finding.Input)}")));
    }

    [Fact]
    public void Names_of_targets_are_unique_and_are_those_of_the_folders()
        => Assert.Equal(
            FuzzTargets.All.Select(static target => target.Name).Order(StringComparer.Ordinal),
            Directory.GetDirectories(Path.GetDirectoryName(Corpus.DirectoryOf(FuzzTargets.All[0]))!).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
}
