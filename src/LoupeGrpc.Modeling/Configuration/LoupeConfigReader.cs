namespace LoupeGrpc.Modeling.Configuration;

/// <summary>
/// Reads a model's configuration: our own JSON form (sections <c>backbone</c>, <c>classifier</c>, <c>segmentor</c>, <c>loss</c>, everything said)
/// or the authors' settings file (section <c>model</c>, the rest by default). Either may be JSON or YAML.
/// </summary>
public static class LoupeConfigReader
{
    private const string OwnFormSection = "backbone";
    private const string AuthorsFormSection = "model";

    /// <exception cref="LoupeConfigException">The file cannot be read, or settings do not fit: all of them are named at once.</exception>
    public static LoupeConfig Read(string path)
    {
        var root = SettingsTree.Load(path);
        var errors = new SettingsErrors();
        LoupeConfig config;
        if (root.ContainsKey(AuthorsFormSection))
        {
            config = AuthorsConfigForm.Read(new SettingsSection(string.Empty, root, errors));
            new LoupeConfigRules(config, AuthorsConfigForm.NameOf, errors).Validate();
        }
        else if (root.ContainsKey(OwnFormSection))
        {
            config = OwnConfigForm.Read(new SettingsSection(string.Empty, root, errors));
            new LoupeConfigRules(config, name => name, errors).Validate();
        }
        else
        {
            throw new LoupeConfigException(path, [$"not a model configuration: it has neither a section {OwnFormSection} nor a section {AuthorsFormSection}"]);
        }

        return errors.Lines.Count == 0 ? config : throw new LoupeConfigException(path, errors.Lines);
    }
}
