using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>The least and the most of a <see cref="long"/>, or of an <see cref="int"/>: a range of int throws at what does not fit into one.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class LongRangeAttribute(long minimum, long maximum) : RangeAttribute(typeof(long), Text(minimum), Text(maximum))
{
    public new long Minimum => minimum;

    public new long Maximum => maximum;

    public override bool IsValid(object? value) => base.IsValid(value is int small ? (long)small : value);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The least and the most of a number of bytes; it is shown and read with units.</summary>
public class BytesAttribute(long minimum, long maximum) : LongRangeAttribute(minimum, maximum)
{
    /// <summary>Both ends in a word or two.</summary>
    public virtual string Words => $"{ByteText.Format(Minimum)} to {ByteText.Format(Maximum)}";
}

/// <summary>The same, or 0, which has a meaning of its own.</summary>
/// <inheritdoc/>
public sealed class BytesOrZeroAttribute(long minimum, long maximum) : BytesAttribute(minimum, maximum)
{
    public override string Words => $"0, or {base.Words}";

    public override bool IsValid(object? value) => value is 0L or 0 || base.IsValid(value);
}

/// <summary>The shortest and the longest <see cref="TimeSpan"/>, each as <see cref="DurationText"/> reads it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DurationAttribute(string minimum, string maximum) : ValidationAttribute
{
    public TimeSpan Minimum { get; } = Parse(minimum);

    public TimeSpan Maximum { get; } = Parse(maximum);

    public override bool IsValid(object? value) => value is TimeSpan duration && duration >= Minimum && duration <= Maximum;

    private static TimeSpan Parse(string text) => DurationText.TryParse(text, out var duration) ? duration
        : throw new ArgumentException($"'{text}' is not a duration.");
}
