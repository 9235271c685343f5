package loupegrpc;

/** Whether an empty or non-empty mask fits the verdict. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum MaskAgreement {
    /** No mask was computed, or the verdict is uncertain. */
    UNSPECIFIED,

    /** Manipulated with a mask, or authentic without. */
    AGREES,

    /** Manipulated with an empty mask, or authentic with one: look at it by hand. */
    DISAGREES,
}
