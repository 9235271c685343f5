package loupegrpc;

/** Why there is no mask. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum MaskOmission {
    /** There is one. */
    UNSPECIFIED,

    /** The mask policy did not ask for one. */
    POLICY,

    /** It was longer than it may be. */
    BUDGET,
}
