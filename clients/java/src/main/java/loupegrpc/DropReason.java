package loupegrpc;

/** Why a frame was left out. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum DropReason {
    /** Not said. */
    UNSPECIFIED,

    /** A fresher frame took its place. */
    SUPERSEDED,

    /** It was older than the session's staleness budget before its turn came. */
    STALE,

    /** The session ended or the server stopped before its turn came. */
    SESSION_ENDED,

    /** Its sender sends more frames a second than it may. */
    OVER_QUOTA,
}
