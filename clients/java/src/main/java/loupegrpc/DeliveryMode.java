package loupegrpc;

/** Which frames are answered when they come too fast. */
public enum DeliveryMode {
    /** Every frame. */
    UNSPECIFIED,

    /** Each frame is analysed; the sender is slowed down. */
    EVERY_FRAME,

    /** At most one frame waits; a newer one takes its place and the older is dropped. */
    FRESHEST,

    /** Frames wait, but those too old when their turn comes are dropped. */
    STALENESS_BUDGET,
}
