using System.IO.Enumeration;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Finds the weights in a folder as trainers leave it.</summary>
internal static class CheckpointFolder
{
    private const int MaxLatestBytes = 1024;
    private const string RankFiles = "mp_rank_*_model_states.pt";

    /// <summary>What Hugging Face's libraries save a model as, in the order in which they look for it.</summary>
    private static readonly string[] HuggingFace =
        ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

    /// <summary>Whether there is something in the folder that <see cref="Find"/> has an answer to, be it that it is refused.</summary>
    internal static bool IsOne(string path)
    {
        try
        {
            return Directory.Exists(path) && (Sought(path) ?? Refusal(path)) is not null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The one file, or the index of shards, to read.</summary>
    /// <exception cref="CheckpointException">There is none, or it is of a kind that is not read.</exception>
    internal static string Find(string path)
    {
        try
        {
            return Sought(path)
                ?? throw CheckpointException.InFile(path, Refusal(path)
                    ?? $"the folder holds no weights that are known: neither {string.Join(", ", HuggingFace)} nor DeepSpeed's mp_rank_00_model_states.pt");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.InFile(path, $"the folder cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The file itself, unless it is one of several model-parallel ranks, none of which is whole.</summary>
    /// <exception cref="CheckpointException">It is.</exception>
    internal static string CheckRanks(string file)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(file));
        return folder is not null && FileSystemName.MatchesSimpleExpression(RankFiles, Path.GetFileName(file)) && Directory.Exists(folder) && RanksIn(folder) is { Count: > 1 } ranks
            ? throw CheckpointException.InFile(file, SeveralRanks(ranks))
            : file;
    }

    private static string? Sought(string path)
    {
        if (Array.Find(HuggingFace, name => File.Exists(Path.Combine(path, name))) is { } found)
        {
            return Path.Combine(path, found);
        }

        return RanksIn(path) switch
        {
            [var only] => only,
            { Count: > 1 } => null,
            _ => Latest(path) is { } folder && RanksIn(folder) is [var only] ? only : null,
        };
    }

    private static string? Refusal(string path)
    {
        foreach (var folder in (string?[])[path, Latest(path)])
        {
            if (folder is null)
            {
                continue;
            }

            if (RanksIn(folder) is { Count: > 1 } ranks)
            {
                return SeveralRanks(ranks);
            }

            if (Directory.EnumerateFiles(folder, "zero_pp_rank_*_model_states.pt").Any())
            {
                return "a DeepSpeed checkpoint of ZeRO stage 3, a part of each weight for each process: run its zero_to_fp32.py and convert what that writes";
            }
        }

        return Directory.EnumerateFiles(path, "adapter_model.*").Any()
            ? "holds a LoRA adapter (adapter_model), which changes weights and does not replace them: merge it into its model (merge_and_unload in peft) and save that"
            : Directory.EnumerateFiles(path, "*.distcp").Any()
                ? "a distributed checkpoint of PyTorch (.distcp), a part for each process: turn it into one file with python -m torch.distributed.checkpoint.format_utils dcp_to_torch"
                : null;
    }

    private static string SeveralRanks(List<string> ranks)
        => $"a DeepSpeed checkpoint of {ranks.Count} model-parallel ranks ({WeightsUse.Shown([.. ranks.Select(static rank => Path.GetFileName(rank))])}), each with a part of the model: "
            + "merge them into one state_dict and convert that";

    private static List<string> RanksIn(string path) => [.. Directory.EnumerateFiles(path, RankFiles).Order(StringComparer.Ordinal)];

    /// <summary>The folder of the newest step, which DeepSpeed names in a file beside it.</summary>
    private static string? Latest(string path)
    {
        var file = new FileInfo(Path.Combine(path, "latest"));
        if (!file.Exists || file.Length > MaxLatestBytes)
        {
            return null;
        }

        var name = File.ReadAllText(file.FullName).Trim();
        return name.Length > 0 && name == Path.GetFileName(name) && name is not ("." or "..") && Directory.Exists(Path.Combine(path, name)) ? Path.Combine(path, name) : null;
    }
}
