package loupegrpc;

/** Work that a session goes without rather than lose frames. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum Economy {
    /** Not said. */
    UNSPECIFIED,

    /** The adaptation takes no step. */
    NO_ADAPTATION_STEP,

    /** No dual verdict. */
    NO_DUAL_VERDICT,

    /** No mask where the policy gives one. */
    NO_MASK,
}
