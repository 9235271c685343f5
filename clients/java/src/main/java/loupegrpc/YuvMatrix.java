package loupegrpc;

/** How YUV was made from RGB. */
public enum YuvMatrix {
    /** BT.601. */
    UNSPECIFIED,

    /** ITU-R BT.601. */
    BT601,

    /** ITU-R BT.709. */
    BT709,
}
