package loupegrpc;

/** When masks are returned. */
public enum MaskPolicy {
    /** When suspected. */
    UNSPECIFIED,

    /** For every frame. */
    ALWAYS,

    /** When the verdict is not authentic. */
    WHEN_SUSPECTED,

    /** Never. */
    NEVER,
}
