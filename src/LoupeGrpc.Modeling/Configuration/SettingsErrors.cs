namespace LoupeGrpc.Modeling.Configuration;

/// <summary>What is wrong with a settings file, collected so that all of it is told at once.</summary>
internal sealed class SettingsErrors
{
    private readonly List<string> _lines = [];
    private readonly HashSet<string> _settings = new(StringComparer.Ordinal);

    internal IReadOnlyList<string> Lines => _lines;

    /// <param name="setting">Dotted name as the file has it.</param>
    /// <param name="line">A sentence that begins with that name.</param>
    internal void Add(string setting, string line)
    {
        if (_settings.Add(setting))
        {
            _lines.Add(line);
        }
    }

    /// <summary>Whether the setting, or a section around it, was already found wrong: what was read for it is a stand-in then.</summary>
    internal bool Has(string setting)
    {
        for (var end = setting.Length; end > 0; end = setting.LastIndexOf('.', end - 1))
        {
            if (_settings.Contains(setting[..end]))
            {
                return true;
            }
        }

        return false;
    }
}
