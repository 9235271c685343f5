using System.Buffers;
using System.Globalization;
using System.Text;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>
/// Names of the files made from inputs: never the same twice, upper and lower case alike, and never a path that leads out of the folder they are
/// written to. Not thread-safe.
/// </summary>
internal sealed class ArtifactNames
{
    /// <summary>File systems stop at 255 bytes; a suffix and an extension follow.</summary>
    private const int MaxBytes = 200;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("/\\:*?\"<>|");
    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// For inputs that are known from the start: each is called as it stands below its base. Where two would be called the same, the folders above the
    /// base are kept too; where only their extensions differ, the stem keeps it. What is left (one input given twice) gets `-2`, `-3` and so on.
    /// </summary>
    /// <param name="inputs">Path of a file, and the folder that its name does not repeat.</param>
    /// <returns>In the order of the inputs.</returns>
    public static IReadOnlyList<ArtifactName> Of(IReadOnlyList<(string Path, string Base)> inputs)
    {
        var drafts = inputs.Select(input => new Draft(Path.GetFullPath(input.Path), Path.GetFullPath(input.Base.Length == 0 ? "." : input.Base))).ToList();
        var distinct = drafts.DistinctBy(draft => draft.FullPath, StringComparer.Ordinal).ToList();
        Separate(distinct, draft => draft.Label, draft => draft.ParentPath, draft => draft.TryAddFolder());
        Separate(distinct, draft => draft.Stem, draft => draft.Extension, draft => draft.TryKeepExtension());
        var first = distinct.ToDictionary(draft => draft.FullPath, StringComparer.Ordinal);
        var reserved = distinct.SelectMany(draft => (string[])[draft.Label, draft.Stem]).ToHashSet(StringComparer.OrdinalIgnoreCase);
        HashSet<string> labels = new(StringComparer.OrdinalIgnoreCase), stems = new(StringComparer.OrdinalIgnoreCase);
        var names = new ArtifactName[drafts.Count];
        // Who must be called otherwise anyway does not take the name of one who need not.
        foreach (var index in Enumerable.Range(0, drafts.Count).OrderBy(index => drafts[index].IsChanged))
        {
            names[index] = first[drafts[index].FullPath].Claim(labels, stems, reserved);
        }

        return names;
    }

    /// <summary>For inputs of which the next is not known.</summary>
    /// <param name="fileName">What the input is called, e.g. `a.jpg`; becomes a single component.</param>
    /// <returns>Its stem and extension; a stem that is taken gets `-2`, `-3` and so on.</returns>
    public (string Stem, string Extension) Assign(string fileName)
    {
        var (stem, extension) = Split(Sanitize(fileName));
        var unique = stem;
        for (var i = 2; !_taken.Add(unique); i++)
        {
            unique = Numbered(stem, i);
        }

        return (unique, extension);
    }

    /// <summary>Makes all longer that are called alike, as long as that helps: as long as what they would get differs.</summary>
    private static void Separate(List<Draft> drafts, Func<Draft, string> name, Func<Draft, string> difference, Func<Draft, bool> tryExtend)
    {
        for (var isLonger = true; isLonger;)
        {
            isLonger = false;
            foreach (var draft in drafts.GroupBy(name, StringComparer.OrdinalIgnoreCase)
                .Where(alike => alike.DistinctBy(difference, StringComparer.OrdinalIgnoreCase).Skip(1).Any()).SelectMany(alike => alike).ToList())
            {
                isLonger |= tryExtend(draft);
            }
        }
    }

    private static (string Stem, string Extension) Split(string component)
    {
        var stem = Shorten(Path.GetFileNameWithoutExtension(component));
        return (stem.Length == 0 || stem.All(c => c == '.') ? "unnamed" : stem, Path.GetExtension(component));
    }

    private static string Numbered(string stem, int number) => string.Create(CultureInfo.InvariantCulture, $"{stem}-{number}");

    private static string Sanitize(string name)
    {
        var shown = PathText.Show(name);
        return string.Create(shown.Length, shown, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) || Forbidden.Contains(source[i]) ? '_' : source[i];
            }
        });
    }

    private static string Shorten(string stem)
    {
        while (Encoding.UTF8.GetByteCount(stem) > MaxBytes)
        {
            stem = stem[..^1];
        }

        return stem;
    }

    /// <summary>A name that is not settled yet.</summary>
    private sealed class Draft
    {
        private readonly string[] _folders;
        private readonly string _stem;
        private int _depth;
        private bool _keepsExtension;

        public Draft(string fullPath, string fullBase)
        {
            FullPath = fullPath;
            var components = fullPath.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
            _folders = [.. components.SkipLast(1).Select(folder => Shorten(Sanitize(folder)))];
            (_stem, Extension) = Split(Sanitize(components[^1]));
            IsChanged = components[^1] != $"{_stem}{Extension}";
            _depth = Math.Max(0, components.Length - 1 - fullBase.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Length);
        }

        public string FullPath { get; }

        public string ParentPath => Path.GetDirectoryName(FullPath) ?? "";

        public string Extension { get; }

        /// <summary>Whether the file cannot be called what it is called.</summary>
        public bool IsChanged { get; }

        public string Label => $"{Folder}{_stem}{Extension}";

        public string Stem => _keepsExtension ? Label : $"{Folder}{_stem}";

        private string Folder => string.Concat(_folders.TakeLast(_depth).Select(folder => $"{folder}/"));

        public bool TryAddFolder() => _depth < _folders.Length && _depth++ >= 0;

        public bool TryKeepExtension() => !_keepsExtension && Extension.Length > 0 && (_keepsExtension = true);

        public ArtifactName Claim(HashSet<string> labels, HashSet<string> stems, HashSet<string> reserved)
        {
            var (label, stem) = (Label, Stem);
            for (var i = 2; labels.Contains(label) || stems.Contains(stem) || (i > 2 && (reserved.Contains(label) || reserved.Contains(stem))); i++)
            {
                var numbered = $"{Folder}{Numbered(_stem, i)}";
                (label, stem) = ($"{numbered}{Extension}", _keepsExtension ? $"{numbered}{Extension}" : numbered);
            }

            labels.Add(label);
            stems.Add(stem);
            return new ArtifactName(label, stem);
        }
    }
}
