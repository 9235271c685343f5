using System.Text;

namespace LoupeGrpc.Provenance;

/// <summary>A box of boxes with a name. Only as deep as it is asked for: nothing in it is followed by itself.</summary>
internal sealed class JumbfSuperbox
{
    private const int TypeLength = 16;
    private const byte HasLabel = 2;
    private const int MostLabelBytes = 1024;

    // Honest stores have some dozens in all.
    private const int MostChildren = 4096;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private JumbfSuperbox(ReadOnlyMemory<byte> content, ReadOnlyMemory<byte> type, string label, IReadOnlyList<JumbfBox> children)
    {
        Content = content;
        Type = type;
        Label = label;
        Children = children;
    }

    /// <summary>Everything behind its own header, description included: what hashes of it go over.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>16 bytes.</summary>
    public ReadOnlyMemory<byte> Type { get; }

    /// <summary>Empty where it has none.</summary>
    public string Label { get; }

    /// <summary>Without the description.</summary>
    public IReadOnlyList<JumbfBox> Children { get; }

    /// <exception cref="CredentialsException"/>
    public static JumbfSuperbox Read(JumbfBox box)
    {
        if (box.Type != JumbfBox.Superbox)
        {
            throw new CredentialsException("a box stands where a superbox was expected");
        }

        int position = 0;
        var description = JumbfBox.Read(box.Content, ref position);
        if (description.Type != JumbfBox.Description || description.Content.Length < TypeLength + 1)
        {
            throw new CredentialsException("a superbox has no description");
        }

        List<JumbfBox> children = [];
        while (position < box.Content.Length)
        {
            if (children.Count == MostChildren)
            {
                throw new CredentialsException($"a superbox has more than {MostChildren} boxes");
            }

            children.Add(JumbfBox.Read(box.Content, ref position));
        }

        return new JumbfSuperbox(box.Content, description.Content[..TypeLength], ReadLabel(description.Content.Span[TypeLength..]), children);
    }

    /// <summary>Superboxes among its children.</summary>
    public IEnumerable<JumbfSuperbox> Superboxes() => Children.Where(static child => child.Type == JumbfBox.Superbox).Select(Read);

    /// <summary>The content of its first box of a type.</summary>
    public ReadOnlyMemory<byte>? ContentOf(uint type)
    {
        foreach (var child in Children)
        {
            if (child.Type == type)
            {
                return child.Content;
            }
        }

        return null;
    }

    private static string ReadLabel(ReadOnlySpan<byte> toggles)
    {
        if ((toggles[0] & HasLabel) == 0)
        {
            return string.Empty;
        }

        var label = toggles[1..];
        int end = label.IndexOf((byte)0);
        if (end is < 0 or > MostLabelBytes)
        {
            throw new CredentialsException("a label is too long, or has no end");
        }

        try
        {
            return StrictUtf8.GetString(label[..end]);
        }
        catch (DecoderFallbackException)
        {
            throw new CredentialsException("a label is not UTF-8");
        }
    }
}
