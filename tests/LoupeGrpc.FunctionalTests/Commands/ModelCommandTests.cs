using System.Diagnostics;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Commands;

public sealed class ModelCommandTests : IDisposable
{
    private static readonly string TinyConfig = TestData.Golden("tiny", "tiny-s", "config.json");
    private static readonly string TinyWeights = TestData.Golden("tiny", "tiny-s", "model.safetensors");

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_checkpoint_becomes_a_package_that_is_inspected_and_served()
    {
        var package = _temporary["tiny"];
        var (code, output, error) = await ConvertAsync(package, TinyWeights, "--name", "tiny-s");
        Assert.True(code == 0, error);
        Assert.StartsWith("tiny-s@", output, StringComparison.Ordinal);
        Assert.Contains("recording the self-check", error, StringComparison.Ordinal);
        Assert.Equal([package], Directory.GetFileSystemEntries(_temporary.FullName));

        (code, output, _) = await ServerProcess.RunAsync(["inspect", package, "--json"]);
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("tiny-s", json.RootElement.GetProperty("manifest").GetProperty("name").GetString());
        var hash = json.RootElement.GetProperty("hash").GetString()!;
        (code, output, _) = await ServerProcess.RunAsync(["inspect", package]);
        Assert.Equal(0, code);
        Assert.Contains(hash, output, StringComparison.Ordinal);

        await using var server = ServerProcess.Start(
            ["serve", "--model", package, "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"]);
        Assert.Contains($" model=tiny-s@{hash[..8]} ", await server.ReadLineAsync(), StringComparison.Ordinal);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain("demonstration", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_of_half_precision_alone_is_checked_inspected_and_served()
    {
        var package = _temporary["half"];
        var (code, _, error) = await ConvertAsync(package, TinyWeights, "--precision", "fp16");
        Assert.True(code == 0, error);
        Assert.Contains("fp16 checked: ", error, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(package, "fp16")], Directory.GetDirectories(package));
        var (_, shown, _) = await ServerProcess.RunAsync(["inspect", package]);
        Assert.Contains("precisions  fp16\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("fp32", shown, StringComparison.Ordinal);

        await using var server = ServerProcess.Start(
            ["serve", "--model", package, "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"]);
        Assert.EndsWith("provider=CPU precision=fp16", await server.ReadLineAsync(), StringComparison.Ordinal);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain("onnxruntime", server.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fp32,fp16")]
    [InlineData("fp16, fp32")]
    public async Task A_package_may_hold_both_precisions(string precisions)
    {
        var package = _temporary["both"];
        Assert.Equal(0, (await ConvertAsync(package, TinyWeights, "--precision", precisions)).Code);
        var (_, output, _) = await ServerProcess.RunAsync(["inspect", package, "--json"]);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(["fp32", "fp16"], json.RootElement.GetProperty("manifest").GetProperty("precisions").EnumerateObject().Select(static precision => precision.Name));
        (_, output, _) = await ServerProcess.RunAsync(["inspect", package]);
        Assert.Contains("precisions  fp32, fp16\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fp7", "--precision: 'fp7' cannot be written; choose from fp32, fp16, int8")]
    [InlineData("fp16,fp16", "--precision: 'fp16' is given 2 times, once is enough")]
    [InlineData("fp32,", "--precision: '' cannot be written; choose from fp32, fp16, int8")]
    public async Task Precisions_that_cannot_be_are_said_with_those_that_can(string precisions, string reason)
    {
        var (code, _, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--precision", precisions);
        Assert.Equal(2, code);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Theory]
    [InlineData("int8 needs fp32 beside it", "--precision", "int8")]
    [InlineData("int8 needs fp32 beside it", "--precision", "fp16,int8")]
    [InlineData("--calibration is for --precision fp32,int8", "--calibration", ".")]
    public async Task What_int8_needs_is_said(string reason, params string[] options)
    {
        var (code, _, error) = await ConvertAsync(_temporary["package"], TinyWeights, options);
        Assert.Equal(2, code);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    /// <summary>Weights by chance answer with what tips over at the smallest change.</summary>
    [Fact]
    public async Task A_model_that_8_bits_are_too_few_for_is_refused_with_the_figures()
    {
        var (code, output, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--precision", "fp32,int8");
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains("measuring int8 on 12 pictures", error, StringComparison.Ordinal);
        Assert.Matches(@"error: int8 is not exact enough for this model: on 12 pictures scores differ by .* at most, masks overlap by .* at least; scores may differ by 0\.005, masks overlap by an IoU of 0\.97 at least\. Convert it with --precision fp32\.", error);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Fact]
    public async Task Too_few_pictures_for_int8_are_said_with_what_became_of_them()
    {
        var folder = Directory.CreateDirectory(_temporary["pictures"]).FullName;
        File.Copy(TestData.Sample("authentic-rocket.png"), Path.Combine(folder, "a.png"));
        await File.WriteAllTextAsync(Path.Combine(folder, "b.txt"), "none", Patience.Token());
        var (code, _, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--precision", "fp32,int8", "--calibration", folder);
        Assert.Equal(1, code);
        Assert.Contains("error: int8 needs at least 8 pictures to measure ranges on, and of 2 files 1 are of use; the first of the others: ", error, StringComparison.Ordinal);
        (code, _, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--precision", "fp32,int8", "--calibration", _temporary["nowhere"]);
        Assert.Equal(1, code);
        Assert.Contains("nowhere is not there: expected a folder of pictures", error, StringComparison.Ordinal);
        Assert.Equal([folder], Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Fact]
    public async Task A_package_that_was_changed_is_not_served_and_not_all_right()
    {
        var package = _temporary["tiny"];
        Assert.Equal(0, (await ConvertAsync(package, TinyWeights)).Code);
        var weights = Path.Combine(package, "fp32", "weights.bin");
        var bytes = await File.ReadAllBytesAsync(weights, Patience.Token());
        bytes[100] ^= 1;
        await File.WriteAllBytesAsync(weights, bytes, Patience.Token());
        foreach (var arguments in new string[][] { ["inspect", package], ["serve", "--model", package] })
        {
            var (code, output, error) = await ServerProcess.RunAsync(arguments);
            Assert.Equal((1, string.Empty), (code, output));
            Assert.Contains("weights.bin", error, StringComparison.Ordinal);
        }
    }

    /// <summary>A package is replaced by hand now and then, in place.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Weights_that_are_cut_or_rewritten_while_they_are_served_change_nothing(bool cut)
    {
        var package = _temporary["tiny"];
        Assert.Equal(0, (await ConvertAsync(package, TinyWeights)).Code);
        await using var server = ServerProcess.Start(
            ["serve", "--model", package, "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"]);
        var ready = await server.ReadLineAsync();
        using var channel = GrpcChannel.ForAddress(ready!.Split(' ')[1]);
        var client = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel);
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample("authentic-rocket.png"), Patience.Token()));
        var request = new AnalyzeImageRequest
        {
            Encoded = new EncodedImage { Data = picture },
            Mask = new MaskSettings { Policy = MaskPolicy.Always },
        };
        var before = (await client.AnalyzeImageAsync(request, cancellationToken: Patience.Token())).Result;

        await using (var weights = new FileStream(Path.Combine(package, "fp32", "weights.bin"), FileMode.Open, FileAccess.Write))
        {
            if (cut)
            {
                weights.SetLength(0);
            }
            else
            {
                await weights.WriteAsync(new byte[weights.Length], Patience.Token());
            }
        }

        var after = (await client.AnalyzeImageAsync(request, cancellationToken: Patience.Token())).Result;
        Assert.Equal((before.Score, before.Mask), (after.Score, after.Mask));
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
    }

    [Fact]
    public async Task An_output_that_is_taken_is_kept_unless_it_may_be_replaced()
    {
        var package = _temporary["tiny"];
        Assert.Equal(0, (await ConvertAsync(package, TinyWeights, "--name", "first")).Code);
        var (code, _, error) = await ConvertAsync(package, TinyWeights, "--name", "second");
        Assert.Equal(1, code);
        Assert.Contains("--overwrite", error, StringComparison.Ordinal);
        Assert.Contains("first", (await ServerProcess.RunAsync(["inspect", package])).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ConvertAsync(package, TinyWeights, "--name", "second", "--overwrite")).Code);
        Assert.Contains("second", (await ServerProcess.RunAsync(["inspect", package])).Output, StringComparison.Ordinal);
        Assert.Equal([package], Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Theory]
    [InlineData("refuse-code.pt")]
    [InlineData("refuse-missing-tensor.safetensors")]
    [InlineData("refuse-truncated.safetensors")]
    [InlineData("refuse-wrong-shape.safetensors")]
    public async Task What_cannot_be_converted_is_said_and_leaves_nothing_behind(string file)
    {
        var (code, output, error) = await ServerProcess.RunAsync(
        [
            "convert", "--weights", TestData.Golden("checkpoints", file), "--config", TestData.Golden("checkpoints", "config-tiny-s.yaml"),
            "--output", _temporary["package"],
        ]);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains("error: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Theory]
    [InlineData("overlay-nothing.safetensors", "overlay-nothing.safetensors holds no tensors")]
    [InlineData("overlay-nan.safetensors", "overlay-nan.safetensors is NaN at [0]")]
    public async Task An_overlay_that_gives_nothing_or_no_numbers_is_refused(string overlay, string reason)
    {
        var (code, output, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--weights", TestData.Golden("checkpoints", overlay));
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.DoesNotContain(".partial-", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Theory]
    [InlineData("overlay-compiled-prefix.safetensors", "stripped prefix _orig_mod. from 1 tensors")]
    [InlineData("model-key.pth", "read the tensors under model")]
    public async Task An_overlay_in_a_wrapping_is_used_and_said(string overlay, string said)
    {
        var path = TestData.Golden("checkpoints", overlay);
        var (code, output, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--weights", path);
        Assert.True(code == 0, error);
        Assert.Contains($"{path}: 1 of 1 tensors used", error, StringComparison.Ordinal);
        Assert.Contains($"{path}: {said}", error, StringComparison.Ordinal);
        var (_, plain, _) = await ConvertAsync(_temporary["plain"], TinyWeights, "--name", "package");
        Assert.NotEqual(plain.Split(' ')[0], output.Split(' ')[0]);

        Assert.Contains(said, (await ServerProcess.RunAsync(["inspect", path])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Weights_with_which_calculating_overflows_are_refused_without_blaming_the_machine()
    {
        var overlay = _temporary["large.safetensors"];
        SafetensorsWriter.Write(overlay, [("segmentor.class_predictor.bias", [2], new[] { float.MaxValue, -float.MaxValue }), ("segmentor.class_predictor.weight", [2, 32], Enumerable.Repeat(float.MaxValue, 64).ToArray())]);
        var (code, _, error) = await ConvertAsync(_temporary["package"], TinyWeights, "--weights", overlay);
        Assert.Equal(1, code);
        Assert.Contains("The model answers a fixed picture with class_logits that is not a finite number, although every weight is", error, StringComparison.Ordinal);
        Assert.DoesNotContain(".partial-", error[error.IndexOf("error: ", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_standard_output_that_is_closed_is_no_failed_conversion()
    {
        var package = _temporary["package"];
        var (code, error) = await RunInShellAsync(">&-", ["convert", "--weights", TinyWeights, "--config", TinyConfig, "--output", package]);
        Assert.True(code == 0, error);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(0, (await ServerProcess.RunAsync(["inspect", package])).Code);
    }

    [Fact]
    public async Task A_standard_output_that_takes_nothing_is_no_failed_conversion()
    {
        const string redirection = ">/dev/full";
        var package = _temporary["package"];
        var (code, error) = await RunInShellAsync(redirection, ["convert", "--weights", TinyWeights, "--config", TinyConfig, "--output", package]);
        Assert.True(code == 0, error);
        Assert.Contains("warning: the package was written, but standard output does not take its name", error, StringComparison.Ordinal);
        Assert.Equal(0, (await ServerProcess.RunAsync(["inspect", package])).Code);

        (code, error) = await RunInShellAsync(redirection, ["inspect", package]);
        Assert.Equal(1, code);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_weights_is_converted_and_inspected()
    {
        var folder = Directory.CreateDirectory(_temporary["folder"]).FullName;
        File.Copy(TinyWeights, Path.Combine(folder, "model.safetensors"));
        var (code, _, error) = await ConvertAsync(_temporary["package"], folder);
        Assert.True(code == 0, error);
        var (inspected, output, _) = await ServerProcess.RunAsync(["inspect", folder]);
        Assert.Equal(0, inspected);
        Assert.Contains("holds       the whole model", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("convert")]
    [InlineData("convert", "--weights", "a", "--config", "b")]
    [InlineData("convert", "--weights", "a", "--config", "b", "--output", "c", "--precision", "fp7")]
    [InlineData("inspect")]
    public async Task Wrong_usage_has_exit_code_2(params string[] arguments)
    {
        var (code, _, error) = await ServerProcess.RunAsync(arguments);
        Assert.Equal(2, code);
        Assert.Contains($"loupe-grpc-server {arguments[0]} --help", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_tells_what_a_checkpoint_holds()
    {
        var (code, output, _) = await ServerProcess.RunAsync(["inspect", TinyWeights, "--json"]);
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("safetensors", json.RootElement.GetProperty("format").GetString());
        (code, _, var error) = await ServerProcess.RunAsync(["inspect", _temporary["nowhere"]]);
        Assert.Equal(1, code);
        Assert.Contains(_temporary["nowhere"], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probe_tells_what_runs_here()
    {
        var (code, output, _) = await ServerProcess.RunAsync(["probe", "--json"]);
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("1.31.0", json.RootElement.GetProperty("onnxRuntime").GetString());
        Assert.Contains("CPUExecutionProvider", json.RootElement.GetProperty("providers").EnumerateArray().Select(static name => name.GetString()));
        Assert.Equal(0, (await ServerProcess.RunAsync(["probe"])).Code);
    }

    private static Task<(int Code, string Output, string Error)> ConvertAsync(string output, string weights, params string[] more) =>
        ServerProcess.RunAsync(["convert", "--weights", weights, "--config", TinyConfig, "--output", output, .. more]);

    /// <summary>Runs the program with a redirection that only a shell can make.</summary>
    private static async Task<(int Code, string Error)> RunInShellAsync(string redirection, string[] arguments)
    {
        using var shell = Process.Start(new ProcessStartInfo(
            "sh", ["-c", $"\"$@\" {redirection}", "sh", Path.Combine(AppContext.BaseDirectory, "loupe-grpc-server"), .. arguments])
        { RedirectStandardError = true })!;
        var error = await shell.StandardError.ReadToEndAsync(Patience.Token());
        await shell.WaitForExitAsync(Patience.Token());
        return (shell.ExitCode, error);
    }
}
