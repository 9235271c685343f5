package loupegrpc;

/** How the samples of raw pixels follow each other, 8 bits each. */
public enum PixelFormat {
    /** Not said; refused. */
    UNSPECIFIED,

    /** 3 bytes a pixel: blue, green, red (OpenCV's order). */
    BGR24,

    /** 3 bytes a pixel: red, green, blue. */
    RGB24,

    /** 4 bytes a pixel: blue, green, red, alpha. Alpha is dropped, with a note. */
    BGRA32,

    /** 1 byte a pixel. */
    GRAY8,

    /** A plane of Y, then one of interleaved U and V at half the width and height, rounded up. */
    NV12,

    /** A plane of Y, then U, then V, each of these at half the width and height, rounded up. */
    I420,

    /** 2 bytes a pixel: Y, U, Y, V for each pair; the last pair of a row of odd width is whole. */
    YUYV,
}
