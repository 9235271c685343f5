namespace LoupeGrpc.Server.Explanations;

/// <summary>Every sentence in English.</summary>
internal static class EnglishTexts
{
    public static LanguageTexts All { get; } = new()
    {
        FieldNames =
        [
            "in the top left", "at the top", "in the top right",
            "on the left", "in the centre", "on the right",
            "in the bottom left", "at the bottom", "in the bottom right",
        ],
        LessThan = "less than {0}",
        MoreThan = "more than {0}",
        CountFormat = "#,##0",
        Sentences = new Dictionary<ExplanationCode, string>
        {
            [ExplanationCode.ScoreManipulated] = "The score of {score} reaches the threshold of {high}: the model takes the picture to be manipulated.",
            [ExplanationCode.ScoreAuthentic] = "The score of {score} is below the threshold of {low}: no manipulation was found, which does not prove that there is none.",
            [ExplanationCode.ScoreUncertain] = "The score of {score} lies between {low} and {high}: the model cannot tell.",
            [ExplanationCode.VerdictLeftOpen] = "Parts of the damaged picture were guessed, so its score of {score} does not count and the verdict is uncertain.",
            [ExplanationCode.ScoreNearThreshold] = "It is a close call: the score and the threshold of {threshold} are {distance} apart.",
            [ExplanationCode.MaskInOneField] = "The mask covers {share} of the picture and lies mainly {field} ({field_share} of it).",
            [ExplanationCode.MaskSpread] = "The mask covers {share} of the picture and is spread over {fields} of its nine fields; the largest part lies {field} ({field_share} of it).",
            [ExplanationCode.OneRegion] = "The mask has one sizeable region, which measures {width} x {height} pixels and has a mean strength of {mean}; anything above {mask_threshold} is marked.",
            [ExplanationCode.StrongestRegion] = "The mask has {regions} sizeable regions, of which the strongest lies {field}, measures {width} x {height} pixels and has a mean strength of {mean}; anything above {mask_threshold} is marked.",
            [ExplanationCode.MaskOfSpecks] = "The mask is only specks, {pixels} {pixels|pixel|pixels} in all, without a sizeable region.",
            [ExplanationCode.MaskEmpty] = "No pixel is marked.",
            [ExplanationCode.MaskMissing] = "No pixel is marked although the score says manipulated: look at this picture yourself.",
            [ExplanationCode.MaskAgainstVerdict] = "The score says authentic, and yet {share} of the picture is marked: look at this picture yourself.",
            [ExplanationCode.PatchesAgree] = "The classifier agrees with the mask: {patches} of its {patches_in_all} patches {patches|looks|look} forged, and {mask_on_patches} of the mask lies on {patches|it|them}.",
            [ExplanationCode.PatchesDisagree] = "The classifier does not agree with the mask: {patches} of its {patches_in_all} patches {patches|looks|look} forged, but only {mask_on_patches} of the mask lies on {patches|it|them}.",
            [ExplanationCode.PatchesSilent] = "The classifier does not agree with the mask: none of its {patches_in_all} patches looks forged.",
            [ExplanationCode.PatchesAlone] = "The classifier takes {patches} of its {patches_in_all} patches to be forged, and nothing is marked.",
            [ExplanationCode.PatchesClear] = "None of the classifier's {patches_in_all} patches looks forged.",
            [ExplanationCode.Tiles] = "The picture was looked at in {tiles} {tiles|tile|tiles} of {input} x {input} pixels, at full resolution.",
            [ExplanationCode.TilesInPart] = "Only {tiles} of the picture's {tiles_in_all} tiles ({coverage}) were looked at: what lies in the others was not judged at full resolution.",
            [ExplanationCode.TilesOfFrames] =
                "The score is made of all {tiles} tiles of {input} x {input} pixels, at full resolution, as the last {window_frames} frames showed them: {fresh_tiles} {fresh_tiles|is|are} of this one.",
            [ExplanationCode.TilesOfFramesInPart] =
                "The score is made of only {tiles} of {tiles_in_all} tiles ({coverage}), as the last {window_frames} frames showed them: {fresh_tiles} {fresh_tiles|is|are} of this one, and what lies in the others was not judged.",
            [ExplanationCode.MaskOfFewerTiles] = "The mask is made of only {mask_tiles} of these {tiles} tiles, and says nothing of the others.",
            [ExplanationCode.TilePeak] = "The tile with the highest score, {tile_score}, lies {field}.",
            [ExplanationCode.TilePeakOutvoted] = "By itself that tile, at {tile_score}, reaches the threshold of {high}; the picture as a whole does not.",
            [ExplanationCode.TilePeakBefore] = "It was seen {peak_age} {peak_age|frame|frames} before this one.",
            [ExplanationCode.Squeezed] = "The picture was squeezed {factor}-fold to the model's {input} x {input} pixels: traces a few pixels wide may be lost.",
            [ExplanationCode.TooSmall] = "At {picture_width} x {picture_height} pixels the picture is small for a model that sees {input} x {input}: there may be too little in it to tell.",
            [ExplanationCode.Compressed] = "The JPEG is strongly compressed, at a quality of about {quality} out of 100, which wipes out fine traces.",
            [ExplanationCode.Dark] = "The picture is dark, with a mean brightness of {brightness}: traces are fainter in the dark.",
            [ExplanationCode.Damaged] = "Parts of the picture are missing or broken; what stands in their place is the decoder's guess.",
            [ExplanationCode.FirstPictureOnly] = "The file holds {pictures} pictures, of which only the first was analysed.",
            [ExplanationCode.PreviewPassedOver] = "The first picture in the file is only a preview; the full one was analysed.",
            [ExplanationCode.BitDepthReduced] = "The picture's {bits} bits a sample were reduced to 8.",
            [ExplanationCode.TransparencyIgnored] = "Transparency was ignored: what it hides was analysed too.",
            [ExplanationCode.ColoursConverted] = "The picture's CMYK colours were converted to RGB without a colour profile.",
            [ExplanationCode.Turned] = "Viewers turn this picture (EXIF orientation {orientation}); left and right, top and bottom are meant as they show it.",
            [ExplanationCode.Adapted] = "The mask comes from a session that has taken {step} adaptation {step|step|steps} (drift {drift}).",
            [ExplanationCode.AdaptationChangedMask] = "Adaptation ({step} {step|step|steps}) changed the mask on {disagreement} of the picture: it now covers {share}, and {base_share} without adaptation.",
            [ExplanationCode.AdaptationKeptMask] = "Adaptation ({step} {step|step|steps}) did not change the mask.",
            [ExplanationCode.AdaptationFrozen] = "The session is frozen at step {step} and does not adapt any further.",
            [ExplanationCode.MaskNotAskedFor] = "No mask was asked for, so nothing is known about where.",
            [ExplanationCode.MaskTooLarge] = "The mask was too large to be sent; what is said of it was measured before it was left out.",
            [ExplanationCode.MaskSaved] = "No mask was made, because the session was losing frames.",
            [ExplanationCode.CredentialsHold] = "The file has Content Credentials, which are as they were signed and belong to this very file: they tell who claims what of the picture, not whether it is true.",
            [ExplanationCode.CredentialsOfOtherBytes] = "The file's Content Credentials do not belong to it as it is: it was changed after they were signed, or they were taken from another file.",
            [ExplanationCode.CredentialsChanged] = "The file's Content Credentials are not as they were signed, so what they claim counts for nothing.",
            [ExplanationCode.CredentialsUnreadable] = "The file has Content Credentials that could not be read.",
            [ExplanationCode.CredentialsInPart] = "The file has Content Credentials, of which nothing is wrong that could be checked; not everything could be.",
            [ExplanationCode.CredentialsLeaveOut] = "They do not protect {bytes_left_out} {bytes_left_out|byte|bytes} of the file, which anybody could have changed since.",
            [ExplanationCode.CredentialsTrusted] = "Their signer is vouched for by the server's trust list.",
            [ExplanationCode.CredentialsSignerUnknown] = "Who signed them was not judged: anybody can sign with a certificate of their own.",
            [ExplanationCode.CredentialsNotValidThen] = "The signer's certificate was not valid at the time that they give.",
            [ExplanationCode.CredentialsClaimGenerated] = "They claim that the picture was made by a generative model.",
            [ExplanationCode.CredentialsClaimComposite] = "They claim that parts of the picture are synthetic.",
            [ExplanationCode.CredentialsClaimCaptured] = "They claim that the picture was taken by a camera.",
        },
    };
}
