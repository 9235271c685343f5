using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Inference;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Inference;

/// <summary>Requests of the Open Inference Protocol, as its clients write them.</summary>
internal static class Infer
{
    public static byte[] Forged { get; } = File.ReadAllBytes(TestData.Sample("forged-cat-in-coffee.jpg"));

    public static byte[] Authentic { get; } = File.ReadAllBytes(TestData.Sample("authentic-coffee.jpg"));

    public static GRPCInferenceService.GRPCInferenceServiceClient Service(RunningServer server) => new(server.Channel);

    /// <summary>With typed contents.</summary>
    public static ModelInferRequest Files(params byte[][] files) => new()
    {
        ModelName = "default",
        Id = "request-7",
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "image", Datatype = "BYTES", Shape = { files.Length }, Contents = new InferTensorContents { BytesContents = { files.Select(ByteString.CopyFrom) } },
            },
        },
    };

    /// <summary>As bytes.</summary>
    public static ModelInferRequest Raw(string datatype, long[] shape, byte[] content) => new()
    {
        ModelName = "default",
        Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "image", Datatype = datatype, Shape = { shape } } },
        RawInputContents = { ByteString.CopyFrom(content) },
    };

    public static ModelInferRequest With(this ModelInferRequest request, string name, object value)
    {
        request.Parameters[name] = value switch
        {
            bool truth => new InferParameter { BoolParam = truth },
            int number => new InferParameter { Int64Param = number },
            double number => new InferParameter { DoubleParam = number },
            _ => new InferParameter { StringParam = (string)value },
        };
        return request;
    }

    public static ModelInferRequest Wanting(this ModelInferRequest request, params string[] outputs)
    {
        request.Outputs.AddRange(outputs.Select(static output => new ModelInferRequest.Types.InferRequestedOutputTensor { Name = output }));
        return request;
    }

    public static byte[] Prefixed(params byte[][] elements) => [.. elements.SelectMany(static element => BitConverter.GetBytes(element.Length).Concat(element))];

    public static ModelInferResponse.Types.InferOutputTensor Output(this ModelInferResponse response, string name) => response.Outputs.Single(output => output.Name == name);

    /// <summary>Of a response with raw contents.</summary>
    public static byte[] RawOutput(this ModelInferResponse response, string name) =>
        response.RawOutputContents[response.Outputs.ToList().FindIndex(output => output.Name == name)].ToByteArray();

    public static T[] Numbers<T>(byte[] raw)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(raw).ToArray();

    public static string[] Texts(IEnumerable<ByteString> elements) => [.. elements.Select(static element => element.ToString(Encoding.ASCII))];

    public static async Task<FrameResult> AnalyzeImageAsync(RunningServer server, AnalyzeImageRequest request) =>
        (await server.Client.AnalyzeImageAsync(request, cancellationToken: Patience.Token())).Result;

    public static Task<FrameResult> AnalyzeImageAsync(RunningServer server, byte[] file, V1.MaskPolicy policy = V1.MaskPolicy.Unspecified) => AnalyzeImageAsync(server, new AnalyzeImageRequest
    {
        Encoded = new EncodedImage { Data = ByteString.CopyFrom(file) },
        Mask = new MaskSettings { Policy = policy },
    });

    public static async Task<ModelInferResponse> AskAsync(RunningServer server, ModelInferRequest request) =>
        await Service(server).ModelInferAsync(request, cancellationToken: Patience.Token());

    public static Task<RpcException> FailureAsync(RunningServer server, ModelInferRequest request) => Assert.ThrowsAsync<RpcException>(() => AskAsync(server, request));

    /// <summary>That a picture's place in the typed tensors is what <c>AnalyzeImage</c> says.</summary>
    public static void AssertSame(FrameResult expected, ModelInferResponse response, int place = 0)
    {
        Assert.Equal(expected.Score, response.Output("score").Contents.Fp32Contents[place], 1e-6f);
        Assert.Equal(expected.Verdict.ToString().ToUpperInvariant(), Texts(response.Output("verdict").Contents.BytesContents)[place]);
        Assert.Equal(expected.Mask?.Rle.Counts ?? string.Empty, Texts(response.Output("mask").Contents.BytesContents)[place]);
        Assert.Equal(
            expected.Mask is null ? [0, 0] : expected.Mask.Rle.Size.Select(static length => (long)length),
            response.Output("mask_size").Contents.Int64Contents.Skip(2 * place).Take(2));
    }
}
