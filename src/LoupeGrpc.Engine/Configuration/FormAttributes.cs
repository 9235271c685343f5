using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>A setting of a form that ranges do not describe.</summary>
/// <param name="expected">The end of a sentence about a value that is not of it.</param>
/// <param name="range">The same in a word or two, for help.</param>
[AttributeUsage(AttributeTargets.Property)]
public abstract class FormAttribute(string expected, string range) : ValidationAttribute
{
    public string Expected => expected;

    public string Range => range;

    public override bool IsValid(object? value) => value is not null;
}

/// <summary>A setting that is a list: what may stand in it, each entry once.</summary>
/// <inheritdoc/>
public abstract class ListAttribute(string expected, string range) : FormAttribute(expected, range)
{
    public override bool IsValid(object? value)
    {
        string[] entries = [.. ((IEnumerable)value!).Cast<object>().Select(static entry => Convert.ToString(entry, CultureInfo.InvariantCulture) ?? string.Empty)];
        return entries.Length > 0
            && entries.All(entry => entry.Length > 0 && Allows(entry))
            && entries.Distinct(StringComparer.OrdinalIgnoreCase).Count() == entries.Length;
    }

    protected abstract bool Allows(string entry);
}

/// <summary>Names that somebody else knows: <see cref="IValidatableObject"/> of the options.</summary>
/// <inheritdoc/>
public sealed class NamesAttribute(string expected, string range) : ListAttribute(expected, range)
{
    protected override bool Allows(string entry) => true;
}

/// <summary>Devices of one provider.</summary>
public sealed class DevicesAttribute() : ListAttribute("expected indices from 0 or UUIDs (GPU-…), each once, separated by commas", "indices or UUIDs")
{
    protected override bool Allows(string entry) =>
        int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out _) || entry.StartsWith("GPU-", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Numbers of frames that runs may take: <see cref="ExecutionTarget.Buckets"/>.</summary>
public sealed class BucketsAttribute() : ListAttribute(
    $"expected whole numbers from 1 to {ExecutionTarget.LargestBucket}, 1 among them, each once, separated by commas",
    $"1 to {ExecutionTarget.LargestBucket} each")
{
    public override bool IsValid(object? value) => base.IsValid(value) && ((IEnumerable<int>)value!).Contains(1);

    protected override bool Allows(string entry) =>
        int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out var bucket) && bucket is >= 1 and <= ExecutionTarget.LargestBucket;
}
