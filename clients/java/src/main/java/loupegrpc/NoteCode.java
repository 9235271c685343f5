package loupegrpc;

/** Something about how a picture was read. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum NoteCode {
    /** See the message. */
    UNSPECIFIED,

    /** The file has several frames, pages or pictures; the first was analysed. */
    FIRST_FRAME_ONLY,

    /** 16 bits a sample, reduced to the high byte. */
    BIT_DEPTH_REDUCED,

    /** Transparency was ignored. */
    ALPHA_DROPPED,

    /** The file asks viewers to turn it; mask and boxes are in stored orientation. */
    ORIENTATION_NOT_APPLIED,

    /** Much larger or smaller than the model's input: small traces may be lost, or were never there. */
    SCALED,

    /** CMYK was converted to RGB without a colour profile. */
    CMYK_CONVERTED,

    /** Parts of the picture are missing or broken, and the decoder guessed them. */
    DAMAGED,

    /** The file's first picture is only a preview of the one that was analysed. */
    PREVIEW_ONLY,

    /** The file names the program that wrote it. */
    SOFTWARE,
}
