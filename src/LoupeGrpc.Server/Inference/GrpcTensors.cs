using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using LoupeGrpc.Engine;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Inference;

/// <summary>Requests and answers as messages.</summary>
internal static class GrpcTensors
{
    /// <param name="model">As the server calls it.</param>
    /// <param name="thresholds">Of a request that gives none.</param>
    /// <exception cref="InferenceException"/>
    public static InferenceCall Read(ModelInferRequest request, string model, LoupeOptions options, VerdictThresholds thresholds)
    {
        var parameters = InferenceParameters.Of(ValuesOf(request.Parameters), thresholds);
        var outputs = OutputNames.Check([.. request.Outputs.Select(static output => output.Name)], model);
        foreach (var tensor in request.Inputs.Select(static input => input.Parameters).Concat(request.Outputs.Select(static output => output.Parameters)))
        {
            TensorParameters.Check(tensor.Keys);
        }

        if (request.Inputs.Count != 1)
        {
            throw InputCount.Wrong(model, request.Inputs.Select(static input => input.Name));
        }

        var input = request.Inputs[0];
        var shape = ImageShape.Of(model, input.Name, input.Datatype, input.Shape, options.Limits.Credits);
        return new InferenceCall(model, request.ModelVersion, request.Id, parameters, PicturesOf(request, input, shape, model), outputs);
    }

    /// <param name="raw">Whether the request had raw contents.</param>
    public static ModelInferResponse ToMessage(this InferenceAnswer answer, bool raw)
    {
        var message = new ModelInferResponse { ModelName = answer.Model, ModelVersion = answer.Version, Id = answer.Id };
        foreach (var (name, value) in answer.Parameters)
        {
            message.Parameters.Add(name, ToParameter(value));
        }

        foreach (var output in answer.Outputs)
        {
            message.Outputs.Add(new ModelInferResponse.Types.InferOutputTensor
            {
                Name = output.Name,
                Datatype = output.Datatype,
                Shape = { output.Shape },
                Contents = raw ? null : ContentsOf(output),
            });
            if (raw)
            {
                var bytes = new byte[output.RawLength];
                output.WriteRaw(bytes);
                message.RawOutputContents.Add(UnsafeByteOperations.UnsafeWrap(bytes));
            }
        }

        return message;
    }

    public static InferParameter ToParameter(object value) => value is long number ? new InferParameter { Int64Param = number } : new InferParameter { StringParam = (string)value };

    private static IReadOnlyList<FrameInput> PicturesOf(ModelInferRequest request, ModelInferRequest.Types.InferInputTensor input, ImageShape shape, string model)
    {
        if (request.RawInputContents.Count > 0)
        {
            return input.Contents is not null
                ? throw InferenceException.Invalid($"contents field must not be specified when using raw_input_contents for '{ImageShape.Name}' for model '{model}'")
                : request.RawInputContents.Count != 1
                ? throw InferenceException.Invalid($"expected 1 raw_input_contents for the inputs of model '{model}', got {request.RawInputContents.Count}")
                : ImageTensor.ReadRaw(shape, request.RawInputContents[0].Memory);
        }

        var contents = input.Contents ?? new InferTensorContents();
        return shape.IsFiles
            ? ImageTensor.OfFiles(shape, [.. contents.BytesContents.Select(static element => element.Memory)])
            : ImageTensor.OfPixels(shape, Narrow(contents.UintContents));
    }

    private static byte[] Narrow(RepeatedField<uint> values)
    {
        var bytes = new byte[values.Count];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = values[i] <= byte.MaxValue ? (byte)values[i]
                : throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has the value {values[i]}, and {ImageShape.Pixels} ends at {byte.MaxValue}");
        }

        return bytes;
    }

    private static IEnumerable<KeyValuePair<string, object?>> ValuesOf(IEnumerable<KeyValuePair<string, InferParameter>> parameters) => parameters.Select(static parameter =>
        KeyValuePair.Create<string, object?>(parameter.Key, parameter.Value.ParameterChoiceCase switch
        {
            InferParameter.ParameterChoiceOneofCase.BoolParam => parameter.Value.BoolParam,
            InferParameter.ParameterChoiceOneofCase.Int64Param => parameter.Value.Int64Param,
            InferParameter.ParameterChoiceOneofCase.StringParam => parameter.Value.StringParam,
            InferParameter.ParameterChoiceOneofCase.DoubleParam => parameter.Value.DoubleParam,
            InferParameter.ParameterChoiceOneofCase.Uint64Param => parameter.Value.Uint64Param,
            _ => null,
        }));

    private static InferTensorContents ContentsOf(OutputTensor output)
    {
        var contents = new InferTensorContents();
        switch (output)
        {
            case FloatTensor floats:
                foreach (var part in floats.Parts)
                {
                    contents.Fp32Contents.AddRange(MemoryMarshal.ToEnumerable(part));
                }

                break;
            case IntegerTensor integers:
                contents.Int64Contents.AddRange(integers.Values);
                break;
            case TextTensor texts:
                contents.BytesContents.AddRange(texts.Elements.Select(UnsafeByteOperations.UnsafeWrap));
                break;
        }

        return contents;
    }
}
