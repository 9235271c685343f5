package loupegrpc;

/** The values that samples of YUV take. */
public enum YuvRange {
    /** Limited. */
    UNSPECIFIED,

    /** Y from 16 to 235, U and V from 16 to 240. */
    LIMITED,

    /** 0 to 255. */
    FULL,
}
