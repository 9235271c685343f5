using LoupeGrpc.Inference;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Inference;

/// <summary>What there is to know of models, as messages.</summary>
internal static class ModelMessages
{
    private const string State = "READY";
    private const string NoteName = "description";

    /// <summary>What no datatype and no shape says.</summary>
    private static readonly Dictionary<string, string> Notes = new(StringComparer.Ordinal)
    {
        [ImageShape.Name] = "picture files; or UINT8 [-1,-1,-1,3], pixels of pictures of one size: row by row, red, green, blue",
        [OutputNames.Score] = "0 to 1: how sure it is that the picture was manipulated",
        [OutputNames.Verdict] = "AUTHENTIC, UNCERTAIN or MANIPULATED: the score against the parameters low and high",
        [OutputNames.Mask] = "where, as compressed counts of COCO; empty where no mask was computed (parameter mask: always, suspected, never)",
        [OutputNames.MaskSize] = "height and width of the mask, in stored pixels; 0 and 0 where no mask was computed",
        [OutputNames.SoftMask] = "where, as a number a pixel; on request only, and for pictures of one size",
    };

    public static ModelMetadataResponse ToMetadata(this ModelStatus model)
    {
        var message = new ModelMetadataResponse
        {
            Name = model.Name,
            Versions = { InferenceModels.VersionOf(model) },
            Platform = InferenceModels.Platform,
            Inputs = { Tensor(ImageShape.Name, ImageShape.Files, [-1]) },
            Outputs = { OutputNames.All.Select(static output => Tensor(output.Name, output.Datatype, output.Shape)) },
        };
        message.Parameters.Add("package", new InferParameter { StringParam = $"{model.Analyzer.Model.Name} {model.Analyzer.Model.Version}" });
        message.Parameters.Add("package_hash", new InferParameter { StringParam = model.Analyzer.Model.Hash });
        message.Parameters.Add("demonstration", new InferParameter { BoolParam = model.Analyzer.Model.Demonstration });
        return message;
    }

    public static ModelConfig ToConfig(this ModelStatus model) => new()
    {
        Name = model.Name,
        Platform = InferenceModels.Platform,
        Backend = InferenceModels.Backend,
        Input = { new ModelInput { Name = ImageShape.Name, DataType = DataType.TypeString, Dims = { -1 } } },
        Output = { OutputNames.All.Select(static output => new ModelOutput { Name = output.Name, DataType = TypeOf(output.Datatype), Dims = { output.Shape } }) },
    };

    public static RepositoryIndexResponse.Types.ModelIndex ToIndex(this ModelStatus model) =>
        new() { Name = model.Name, Version = InferenceModels.VersionOf(model), State = State };

    public static ModelStatistics ToStatistics(this ModelStatus model, InferenceStatistics statistics)
    {
        var version = InferenceModels.VersionOf(model);
        var tally = statistics.Of(model.Name, version);
        return new ModelStatistics
        {
            Name = model.Name,
            Version = version,
            LastInference = (ulong)(tally.Last?.ToUnixTimeMilliseconds() ?? 0),
            InferenceCount = (ulong)tally.Pictures,
            ExecutionCount = (ulong)tally.Requests,
            InferenceStats = new InferStatistics
            {
                Success = Of(tally.Requests, tally.Took),
                Fail = Of(tally.Failures, tally.FailuresTook),
                Queue = Of(tally.Pictures, tally.Queue),
                ComputeInput = Of(tally.Pictures, tally.Input),
                ComputeInfer = Of(tally.Pictures, tally.Model),
                ComputeOutput = Of(tally.Pictures, tally.Output),
            },
        };
    }

    private static StatisticDuration Of(long count, TimeSpan time) => new() { Count = (ulong)count, Ns = (ulong)(time.Ticks * TimeSpan.NanosecondsPerTick) };

    private static ModelMetadataResponse.Types.TensorMetadata Tensor(string name, string datatype, IEnumerable<long> shape) => new()
    {
        Name = name,
        Datatype = datatype,
        Shape = { shape },
        Parameters = { [NoteName] = new InferParameter { StringParam = Notes[name] } },
    };

    private static DataType TypeOf(string datatype) => datatype switch
    {
        FloatTensor.Type => DataType.TypeFp32,
        IntegerTensor.Type => DataType.TypeInt64,
        _ => DataType.TypeString,
    };
}
