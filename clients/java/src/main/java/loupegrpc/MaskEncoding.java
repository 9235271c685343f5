package loupegrpc;

/** How masks are returned. */
public enum MaskEncoding {
    /** Run lengths. */
    UNSPECIFIED,

    /** COCO run lengths, byte-identical to pycocotools. */
    RLE,

    /** A one-channel PNG, 255 where forged. */
    PNG,

    /** A one-channel PNG of the soft map; forged is what is 128 or more. */
    SOFT_PNG,
}
