using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A tensor of a checkpoint file, for people.</summary>
/// <param name="Name">As stored.</param>
/// <param name="BareName">The model's name for it; null for a tensor that a conversion ignores.</param>
/// <param name="Shape">Outermost first; empty for a scalar.</param>
/// <param name="Bytes">Elements times their stored size.</param>
public sealed record TensorDescription(string Name, string? BareName, ElementType ElementType, IReadOnlyList<long> Shape, long Bytes);

/// <summary>What a checkpoint holds, without reading its weights.</summary>
/// <param name="Path">Of the file. That of a folder goes on with what was found in it.</param>
/// <param name="Format"><c>safetensors</c> or <c>PyTorch</c>, with the number of shards where there are any.</param>
/// <param name="Bytes">Size of the file, or of its shards.</param>
/// <param name="Wrapper">Key under which the tensors stand, e.g. <c>state_dict</c>; null without.</param>
/// <param name="Parts">Which of <c>backbone</c>, <c>classifier</c>, <c>segmentor</c> have tensors here.</param>
/// <param name="Stage">What the parts say of where in training the file comes from.</param>
/// <param name="Parameters">Elements of the tensors that a conversion uses.</param>
/// <param name="Tensors">In the order of the file.</param>
/// <param name="Metadata">What the file says of itself, e.g. a trainer's version.</param>
/// <param name="Notes">What a conversion does to read it or why it refuses it, a sentence each without a full stop.</param>
public sealed record CheckpointDescription(
    string Path,
    string Format,
    long Bytes,
    string? Wrapper,
    IReadOnlyList<string> Parts,
    string Stage,
    long Parameters,
    IReadOnlyList<TensorDescription> Tensors,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<string> Notes)
{
    private const int MaxShownLength = 200;

    private static readonly string[] AllParts = ["backbone", "classifier", "segmentor"];

    /// <summary>Whether a path is a folder with weights as trainers leave it.</summary>
    public static bool IsFolderOfOne(string path) => CheckpointFolder.IsOne(path);

    /// <param name="path">A file, an index of shards, or a folder of a Hugging Face model or of DeepSpeed.</param>
    /// <exception cref="CheckpointException">It cannot be read, is damaged, of another kind, or refused.</exception>
    public static CheckpointDescription Read(string path)
    {
        using var file = CheckpointFiles.Open(path);
        var names = TensorNames.Of(file, takeAveraged: false);
        var bareNames = names.Tensors.ToDictionary(entry => entry.Value.Name, entry => entry.Key, StringComparer.Ordinal);
        var refusal = UnusableWeights.OfKind(file.Tensors);
        var tensors = file.Tensors
            .Select(tensor => new TensorDescription(
                tensor.Name, bareNames.GetValueOrDefault(tensor.Name), tensor.ElementType, tensor.Shape, tensor.Length * tensor.ElementType.SizeOf()))
            .ToList();
        var parts = AllParts.Where(part => tensors.Exists(tensor => tensor.BareName?.StartsWith($"{part}.", StringComparison.Ordinal) == true)).ToList();
        return new CheckpointDescription(
            file.Path,
            file.Format,
            file.Length,
            file.Wrapper,
            parts,
            StageOf(parts),
            tensors.Where(tensor => tensor.BareName is not null).Sum(tensor => tensor.Bytes / tensor.ElementType.SizeOf()),
            tensors,
            file.Metadata,
            refusal is null ? Checkpoint.NotesOn(file, names, takeAveraged: false) : [refusal]);
    }

    /// <summary>One JSON object, indented, in camelCase.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CheckpointDescriptionJson.Default.CheckpointDescription);

    /// <summary>A summary, then one line a tensor.</summary>
    public void WriteText(TextWriter writer)
    {
        writer.WriteLine($"file        {Path}");
        writer.WriteLine($"format      {Format}{(Wrapper is null ? string.Empty : $", tensors under {Wrapper}")}");
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"size        {Bytes:N0} bytes"));
        writer.WriteLine($"holds       {Stage}");
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"parameters  {Parameters:N0} in {Tensors.Count(tensor => tensor.BareName is not null)} tensors"));
        foreach (var note in Notes)
        {
            writer.WriteLine($"note        {TerminalText.Escape(note)}");
        }

        foreach (var (key, value) in Metadata)
        {
            writer.WriteLine($"metadata    {Printable(key)} = {Printable(value)}");
        }

        writer.WriteLine();
        var names = Tensors.Select(tensor => Printable(tensor.Name)).ToList();
        var nameWidth = names.Select(name => name.Length).Append(0).Max();
        var shapes = Tensors.Select(tensor => $"[{string.Join(", ", tensor.Shape)}]").ToList();
        var shapeWidth = shapes.Select(shape => shape.Length).Append(0).Max();
        foreach (var (tensor, name, shape) in Tensors.Zip(names, shapes))
        {
            var note = tensor.BareName is null ? "  not used" : string.Empty;
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name.PadRight(nameWidth)}  {tensor.ElementType,-8}  {shape.PadRight(shapeWidth)}  {tensor.Bytes,14:N0} bytes{note}"));
        }
    }

    private static string StageOf(List<string> parts) => parts switch
    {
        [_, _, _] => "the whole model",
        ["backbone"] => "a backbone alone, as published",
        ["classifier"] => "the classifier alone, as the stage 'cls' leaves it with a frozen backbone",
        ["segmentor"] => "the segmentor alone, as the stage 'seg' leaves it with the rest frozen",
        ["backbone", "classifier"] => "backbone and classifier, as the stage 'cls' leaves them",
        [] => "nothing of Loupe",
        _ => string.Join(" and ", parts),
    };

    private static string Printable(string text) => TerminalText.Escape(text.Length > MaxShownLength ? $"{text[..MaxShownLength]}…" : text);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CheckpointDescription))]
internal sealed partial class CheckpointDescriptionJson : JsonSerializerContext;
