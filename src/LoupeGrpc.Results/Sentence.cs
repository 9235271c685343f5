using System.Globalization;
using System.Text.RegularExpressions;

namespace LoupeGrpc.Results;

/// <summary>Sentences with places for what was measured. A number stands in braces by its name, and words that go with it behind a bar: <c>{tiles|tile|tiles}</c> is the first where it is 1.</summary>
internal static partial class Sentence
{
    /// <param name="template">The sentence.</param>
    /// <param name="show">What stands in the place of a name.</param>
    /// <param name="isOne">Whether the number of a name is 1.</param>
    public static string Fill(string template, Func<string, string> show, Func<string, bool> isOne) => Place().Replace(template, place =>
    {
        var name = place.Groups["name"].Value;
        return !place.Groups["one"].Success ? show(name) : place.Groups[isOne(name) ? "one" : "many"].Value;
    });

    /// <summary>In per cent: what is not nothing is not shown as nothing, and what is not all is not shown as all.</summary>
    /// <param name="value">0 to 1.</param>
    /// <param name="lessThan">With <c>{0}</c> for the number.</param>
    /// <param name="moreThan">As <paramref name="lessThan"/>.</param>
    public static string Share(double value, string lessThan, string moreThan) => (value * 100) switch
    {
        > 0 and < 0.1 => string.Format(CultureInfo.InvariantCulture, lessThan, "0.1%"),
        > 99 and < 100 => string.Format(CultureInfo.InvariantCulture, moreThan, "99%"),
        < 10 and var percent => percent.ToString("0.#'%'", CultureInfo.InvariantCulture),
        var percent => percent.ToString("0'%'", CultureInfo.InvariantCulture),
    };

    /// <summary>The number that a reader takes it for: 0.6f is 0.6, not 0.60000002.</summary>
    public static double Exact(float value) => double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{(?<name>\w+)(\|(?<one>[^|}]*)\|(?<many>[^}]*))?\}")]
    public static partial Regex Place();
}
