package loupegrpc;

/** What a sentence says. A value that a newer server sends is {@link #UNSPECIFIED}: its text says it all the same. */
public enum ExplanationCode {
    /** See the text. */
    UNSPECIFIED,

    /** The score reaches the upper threshold. */
    SCORE_MANIPULATED,

    /** The score is below the lower threshold. */
    SCORE_AUTHENTIC,

    /** Why the verdict is uncertain: the score lies between the thresholds. */
    SCORE_UNCERTAIN,

    /** Why the verdict is uncertain although the score is not: parts of the picture were guessed ({@code Loupe:Imaging:Damaged}). */
    VERDICT_LEFT_OPEN,

    /** Another verdict is at most 0.05 away. */
    SCORE_NEAR_THRESHOLD,

    /** How large the mask is, and that at least 60 % of it lies in one of the nine fields of the picture. */
    MASK_IN_ONE_FIELD,

    /** How large the mask is, and that it spreads over fields; those with at least 5 % of it are counted. */
    MASK_SPREAD,

    /** The only region of the mask. */
    ONE_REGION,

    /** Of several regions the one with the highest mean. */
    STRONGEST_REGION,

    /** The mask has no part of at least 0.05 % of the picture. */
    MASK_OF_SPECKS,

    /** The mask is empty, and the verdict does not speak against that. */
    MASK_EMPTY,

    /** The mask is empty, and the verdict is MANIPULATED. */
    MASK_MISSING,

    /** The mask is not empty, and the verdict is AUTHENTIC. */
    MASK_AGAINST_VERDICT,

    /** At least half of the mask, in whole per cent, lies on patches that the classifier takes as forged. */
    PATCHES_AGREE,

    /** Less than half of it does. */
    PATCHES_DISAGREE,

    /** The mask is not empty, and the classifier takes no patch as forged. */
    PATCHES_SILENT,

    /** The classifier takes patches as forged, and nothing is marked. */
    PATCHES_ALONE,

    /** The classifier takes no patch as forged, and nothing is marked. */
    PATCHES_CLEAR,

    /** The picture was looked at in tiles, in all of them. */
    TILES,

    /** It was looked at in some of its tiles. */
    TILES_IN_PART,

    /** The tile with the highest score, of several. */
    TILE_PEAK,

    /** That tile reaches the upper threshold by itself, and the verdict is not MANIPULATED. */
    TILE_PEAK_OUTVOTED,

    /** The longer side has at least 2.5 times the pixels of the model's input, and the picture was looked at whole. */
    SQUEEZED,

    /** The shorter side has less than half the pixels of the model's input. */
    TOO_SMALL,

    /** A JPEG of a quality below 50. */
    COMPRESSED,

    /** The mean brightness is below 15 %. */
    DARK,

    /** Parts of the picture are missing or broken, and the decoder guessed them. */
    DAMAGED,

    /** The file has several pictures, and the first was analysed. */
    FIRST_PICTURE_ONLY,

    /** The file's first picture is only a preview, and the full one was analysed. */
    PREVIEW_PASSED_OVER,

    /** More than 8 bits a sample were reduced to 8. */
    BIT_DEPTH_REDUCED,

    /** Transparency was ignored. */
    TRANSPARENCY_IGNORED,

    /** CMYK was converted without a colour profile. */
    COLOURS_CONVERTED,

    /** Viewers turn the picture. */
    TURNED,

    /** The mask comes from an adapted session, and was not compared with that of the model as it was. */
    ADAPTED,

    /** The adaptation changed the mask. */
    ADAPTATION_CHANGED_MASK,

    /** The adaptation did not change the mask. */
    ADAPTATION_KEPT_MASK,

    /** The session does not adapt any more. */
    ADAPTATION_FROZEN,

    /** The verdict is not AUTHENTIC, and no mask was asked for. */
    MASK_NOT_ASKED_FOR,

    /** The mask was computed, and left out as too long. */
    MASK_TOO_LARGE,

    /** No mask was computed because the session lost frames. */
    MASK_SAVED,

    /** The file has Content Credentials, and signature, assertions and binding hold. */
    CREDENTIALS_HOLD,

    /** Their binding fails: the file is not the one that was signed. */
    CREDENTIALS_OF_OTHER_BYTES,

    /** Their signature or their assertions fail: they were changed. */
    CREDENTIALS_CHANGED,

    /** They cannot be read. */
    CREDENTIALS_UNREADABLE,

    /** Nothing of signature, assertions and binding fails, but not all of it could be judged. */
    CREDENTIALS_IN_PART,

    /** The binding holds, and leaves out bytes beside the credentials. */
    CREDENTIALS_LEAVE_OUT,

    /** Their signer is trusted by the server's operator. */
    CREDENTIALS_TRUSTED,

    /** Who signed them was not judged. */
    CREDENTIALS_SIGNER_UNKNOWN,

    /** The signer's certificate was not valid when they were signed. */
    CREDENTIALS_NOT_VALID_THEN,

    /** By what they claim, the picture was made by a generative model. */
    CREDENTIALS_CLAIM_GENERATED,

    /** By what they claim, parts of the picture were made by a generative model. */
    CREDENTIALS_CLAIM_COMPOSITE,

    /** By what they claim, the picture was taken by a camera. */
    CREDENTIALS_CLAIM_CAPTURED,

    /** The score is made of all tiles, as several frames showed them. */
    TILES_OF_FRAMES,

    /** It is made of some of the tiles, as several frames showed them. */
    TILES_OF_FRAMES_IN_PART,

    /** The mask is made of fewer tiles than the score. */
    MASK_OF_FEWER_TILES,

    /** The tile with the highest score is not of this frame. */
    TILE_PEAK_BEFORE,
}
