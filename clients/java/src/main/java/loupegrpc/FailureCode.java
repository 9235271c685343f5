package loupegrpc;

/** Why a frame has no result: the server's codes, and those that only a client can give. */
public enum FailureCode {
    /** A fault of the server, or a code that this client does not know. */
    INTERNAL,

    /** The data is not what it should be: not a picture, truncated, wrong stride. Sending it again will not help. */
    INVALID,

    /** Over a limit of the server; the message names the limit and its setting. */
    TOO_LARGE,

    /** Understood, but this server does not do it. */
    UNSUPPORTED,

    /** No room now; may be sent again later. */
    OVERLOADED,

    /** The caller gave up, or the server is stopping. */
    CANCELED,

    /** The model or what runs it failed. */
    MODEL_FAULT,

    /** A deadline passed, in calls outside sessions; frames have {@link Outcome.Expired}. */
    EXPIRED,

    /** The server does not know the caller, or does not allow the call. */
    NOT_ALLOWED,

    /** The client's own: the session ended before the frame had its outcome. It may have been analysed. */
    CONNECTION_LOST;

    /** Unknown codes are INTERNAL, as the contract asks. */
    static FailureCode of(loupegrpc.v1.FailureCode code) {
        return switch (code) {
            case FAILURE_CODE_INVALID -> INVALID;
            case FAILURE_CODE_TOO_LARGE -> TOO_LARGE;
            case FAILURE_CODE_UNSUPPORTED -> UNSUPPORTED;
            case FAILURE_CODE_OVERLOADED -> OVERLOADED;
            case FAILURE_CODE_CANCELED -> CANCELED;
            case FAILURE_CODE_MODEL_FAULT -> MODEL_FAULT;
            case FAILURE_CODE_EXPIRED -> EXPIRED;
            default -> INTERNAL;
        };
    }
}
