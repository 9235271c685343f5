package loupegrpc;

/** What a score means against the thresholds. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum Verdict {
    /** Not said. */
    UNSPECIFIED,

    /** Score below the lower threshold. */
    AUTHENTIC,

    /** Between them. */
    UNCERTAIN,

    /** Score at or above the upper threshold. */
    MANIPULATED,
}
