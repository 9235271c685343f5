namespace LoupeGrpc.Server.Explanations;

/// <summary>What a number is, and so how it is written.</summary>
internal enum NumberKind
{
    /// <summary>0 to 1.</summary>
    Score,

    /// <summary>Between two scores.</summary>
    Distance,

    /// <summary>0 to 1, written in per cent.</summary>
    Share,

    /// <summary>Of the soft map: from 0, may exceed 1.</summary>
    Strength,
    Factor,
    Count,

    /// <summary>Of the nine, 1 to 9, written in words.</summary>
    Field,

    /// <summary>From 0, of no unit.</summary>
    Drift,
}

/// <summary>Each number that a sentence may have. A name means the same in all of them.</summary>
internal static class NumberKinds
{
    public static IReadOnlyDictionary<string, (NumberKind Kind, string Meaning)> All { get; } = new Dictionary<string, (NumberKind, string)>(StringComparer.Ordinal)
    {
        ["score"] = (NumberKind.Score, "of the picture, 0 to 1"),
        ["low"] = (NumberKind.Score, "the lower threshold"),
        ["high"] = (NumberKind.Score, "the upper threshold"),
        ["threshold"] = (NumberKind.Score, "the one of the two that is near"),
        ["distance"] = (NumberKind.Distance, "between the score and that threshold"),
        ["share"] = (NumberKind.Share, "of the picture inside the mask, 0 to 1"),
        ["field"] = (NumberKind.Field, "one of nine, thirds of width and height: 1 at the top left, 3 at the top right, 9 at the bottom right, as viewers show the picture"),
        ["field_share"] = (NumberKind.Share, "of the mask in that field, 0 to 1"),
        ["fields"] = (NumberKind.Count, "those with at least 5 % of the mask"),
        ["regions"] = (NumberKind.Count, "in the result, at most 32"),
        ["width"] = (NumberKind.Count, "of the region in pixels, as viewers show the picture"),
        ["height"] = (NumberKind.Count, "as `width`"),
        ["mean"] = (NumberKind.Strength, "of the soft map over the region, above `mask_threshold`, may exceed 1"),
        ["mask_threshold"] = (NumberKind.Strength, "what is above it is in the mask"),
        ["pixels"] = (NumberKind.Count, "inside the mask"),
        ["patches"] = (NumberKind.Count, "that the classifier takes to be forged: of a probability above 0.5"),
        ["patches_in_all"] = (NumberKind.Count, "of the picture"),
        ["mask_on_patches"] = (NumberKind.Share, "of the mask on those patches, 0 to 1"),
        ["step"] = (NumberKind.Count, "optimiser steps since the model as it was"),
        ["drift"] = (NumberKind.Drift, "of the session's parameters, as in `adaptation`"),
        ["disagreement"] = (NumberKind.Share, "of the picture, in only one of the two masks, 0 to 1"),
        ["base_share"] = (NumberKind.Share, "of the picture inside the mask of the model as it was, 0 to 1"),
        ["tiles"] = (NumberKind.Count, "that were analysed, of this picture or of the frames before it"),
        ["tiles_in_all"] = (NumberKind.Count, "that cover the picture"),
        ["window_frames"] = (NumberKind.Count, "whose tiles count, this one among them"),
        ["fresh_tiles"] = (NumberKind.Count, "of this very frame"),
        ["mask_tiles"] = (NumberKind.Count, "that the mask is made of"),
        ["peak_age"] = (NumberKind.Count, "frames before this one"),
        ["coverage"] = (NumberKind.Share, "of the tiles that were analysed, 0 to 1"),
        ["tile_score"] = (NumberKind.Score, "the highest of a tile, 0 to 1"),
        ["input"] = (NumberKind.Count, "a side of the model's input in pixels"),
        ["factor"] = (NumberKind.Factor, "the longer side in sides of the model's input"),
        ["picture_width"] = (NumberKind.Count, "in pixels, as viewers show the picture"),
        ["picture_height"] = (NumberKind.Count, "as `picture_width`"),
        ["quality"] = (NumberKind.Count, "1 to 100: at which libjpeg's table is as coarse as the file's"),
        ["brightness"] = (NumberKind.Share, "mean luma, 0 (black) to 1 (white)"),
        ["pictures"] = (NumberKind.Count, "in the file"),
        ["bits"] = (NumberKind.Count, "of a sample"),
        ["bytes_left_out"] = (NumberKind.Count, "of the file, beside the credentials, that their binding does not go over"),
        ["orientation"] = (NumberKind.Count, "EXIF's, 2 to 8"),
    };
}
