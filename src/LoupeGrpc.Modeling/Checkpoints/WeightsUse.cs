namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>What a file of weights gives to a model.</summary>
/// <param name="Path">As it was given.</param>
/// <param name="Tensors">How many the file holds.</param>
/// <param name="Used">How many of them the model is made of.</param>
/// <param name="Replaced">How many the model would take if a later file did not have them too.</param>
/// <param name="Ignored">The names, as stored, of those that no model of this configuration takes.</param>
/// <param name="Notes">What was done to read the file, a sentence each without a full stop.</param>
public sealed record WeightsUse(string Path, int Tensors, int Used, int Replaced, IReadOnlyList<string> Ignored, IReadOnlyList<string> Notes)
{
    private const int MaxShown = 3;

    /// <summary>Why the file must not be passed over; null where it gives the model something.</summary>
    internal string? Problem { get; init; }

    /// <summary>For people, one line a fact. Control characters are escaped.</summary>
    public IEnumerable<string> Describe()
    {
        var replaced = Replaced switch
        {
            0 => string.Empty,
            _ when Used == 0 => "; every one that the model needs is replaced by a later file",
            _ => $"; {Replaced} replaced by a later file",
        };
        return Notes
            .Prepend($"{Used} of {Tensors} tensors used{replaced}")
            .Concat(Ignored.Count == 0 ? [] : [$"ignored: {Shown(Ignored)}"])
            .Select(line => TerminalText.Escape($"{Path}: {line}"));
    }

    /// <summary>The first few.</summary>
    internal static string Shown(IReadOnlyList<string> names)
        => string.Join(", ", names.Take(MaxShown)) + (names.Count > MaxShown ? $" and {names.Count - MaxShown} more" : string.Empty);
}
