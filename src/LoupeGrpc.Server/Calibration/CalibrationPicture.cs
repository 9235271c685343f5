using LoupeGrpc.Quality;

namespace LoupeGrpc.Server.Calibration;

/// <summary>A picture, and what the model says of it.</summary>
/// <param name="Path">Of the file.</param>
/// <param name="Sha256">Of its bytes, lower-case hex.</param>
/// <param name="Before">Its score by the package as it was.</param>
internal sealed record CalibrationPicture(string Path, string Sha256, JudgedLogit Judged, float Before);

/// <summary>A file that says nothing.</summary>
/// <param name="Reason">For people; with a full stop.</param>
internal sealed record LeftOutFile(string Path, string Reason);

/// <summary>All that came of the folders.</summary>
/// <param name="Pictures">Each picture once, by its bytes, in the order of its hash, which has nothing to do with what the model says.</param>
/// <param name="LeftOut">In the order of their paths.</param>
/// <param name="Copies">Files whose bytes another one has too.</param>
internal sealed record CalibrationSample(IReadOnlyList<CalibrationPicture> Pictures, IReadOnlyList<LeftOutFile> LeftOut, IReadOnlyList<string> Copies)
{
    /// <exception cref="CalibrationException">A picture is in both folders.</exception>
    public static CalibrationSample Of(IEnumerable<CalibrationPicture> analysed, IReadOnlyList<LeftOutFile> leftOut)
    {
        List<CalibrationPicture> pictures = [];
        List<string> copies = [];
        foreach (var same in analysed.GroupBy(static picture => picture.Sha256).OrderBy(static same => same.Key, StringComparer.Ordinal))
        {
            var first = same.First();
            if (same.FirstOrDefault(other => other.Judged.IsForged != first.Judged.IsForged) is { } contradiction)
            {
                throw new CalibrationException($"the same picture is both authentic and forged: {first.Path} and {contradiction.Path}. Take it out of one of the folders.");
            }

            pictures.Add(first);
            copies.AddRange(same.Skip(1).Select(static copy => copy.Path));
        }

        return new CalibrationSample(pictures, leftOut, copies);
    }
}
