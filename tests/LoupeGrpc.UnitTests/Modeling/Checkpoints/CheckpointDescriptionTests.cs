using System.Text.Json.Nodes;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling.Checkpoints;

public sealed class CheckpointDescriptionTests
{
    [Theory]
    [InlineData("plain.pt", "PyTorch", null, "the whole model", 211)]
    [InlineData("lightning-bf16.pth", "PyTorch", "state_dict", "the whole model", 211)]
    [InlineData("shared-storage-strided-fp16.pt", "PyTorch", "weights", "the whole model", 211)]
    [InlineData("backbone-visual.pt", "PyTorch", null, "a backbone alone, as published", 35)]
    [InlineData("stage-cls.safetensors", "safetensors", null, "the classifier alone, as the stage 'cls' leaves it with a frozen backbone", 12)]
    [InlineData("stage-seg.safetensors", "safetensors", null, "the segmentor alone, as the stage 'seg' leaves it with the rest frozen", 164)]
    public void A_file_is_described(string file, string format, string? wrapper, string stage, int used)
    {
        var path = TestData.Golden("checkpoints", file);
        var description = CheckpointDescription.Read(path);

        Assert.Equal((path, format, wrapper, stage), (description.Path, description.Format, description.Wrapper, description.Stage));
        Assert.Equal(new FileInfo(path).Length, description.Bytes);
        Assert.Equal(used, description.Tensors.Count(tensor => tensor.BareName is not null));
    }

    [Fact]
    public void Parameters_count_what_a_conversion_uses()
    {
        using var model = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "model.safetensors"));

        Assert.Equal(
            model.Tensors.Values.Where(tensor => !tensor.Name.Contains("criterion", StringComparison.Ordinal)).Sum(tensor => tensor.Length),
            CheckpointDescription.Read(TestData.Golden("checkpoints", "plain.pt")).Parameters);
    }

    [Fact]
    public void Text_lists_every_tensor_and_what_the_file_says_of_itself()
    {
        var writer = new StringWriter();
        CheckpointDescription.Read(TestData.Golden("checkpoints", "lightning-bf16.pth")).WriteText(writer);
        var lines = writer.ToString().Split(Environment.NewLine);

        Assert.Contains("format      PyTorch, tensors under state_dict", lines);
        Assert.Contains("metadata    pytorch-lightning_version = 2.5.1", lines);
        Assert.Contains("metadata    global_step = 1200", lines);
        Assert.Matches(@"^module\.loupe\.backbone\.conv1\.weight +BFloat16 +\[64, 3, 16, 16\] +98,304 bytes$", Assert.Single(lines, line => line.Contains("backbone.conv1.weight", StringComparison.Ordinal)));
        Assert.Matches(@"visual\.proj .* not used$", Assert.Single(TextOf("backbone-visual.pt"), line => line.Contains("visual.proj", StringComparison.Ordinal)));
    }

    [Fact]
    public void Json_has_the_same()
    {
        var json = JsonNode.Parse(CheckpointDescription.Read(TestData.Golden("checkpoints", "stage-seg.safetensors")).ToJson())!;

        Assert.Equal("safetensors", (string?)json["format"]);
        Assert.Equal("segmentor", (string?)json["parts"]![0]);
        var ignored = Assert.Single(json["tensors"]!.AsArray(), tensor => tensor!["bareName"] is null)!;
        Assert.Equal("loupe.segmentor.criterion.empty_weight", (string?)ignored["name"]);
        Assert.Equal("Float32", (string?)ignored["elementType"]);
    }

    private static string[] TextOf(string file)
    {
        var writer = new StringWriter();
        CheckpointDescription.Read(TestData.Golden("checkpoints", file)).WriteText(writer);
        return writer.ToString().Split(Environment.NewLine);
    }
}
