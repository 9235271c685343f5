namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>A sentence about an evaluation, and the fact in it for programs.</summary>
/// <param name="Text">With its full stop.</param>
internal sealed record FigureSentence(FigureCode Code, IReadOnlyList<Fact> Facts, string Text);

/// <summary>What a sentence has of the evaluation. Its name is one of <see cref="FactKinds"/>.</summary>
/// <param name="Value">A number, as it was measured.</param>
/// <param name="Word">A name instead of a number: a group's, as the list has it. Null: it is a number.</param>
internal readonly record struct Fact(string Name, double Value, string? Word = null);
