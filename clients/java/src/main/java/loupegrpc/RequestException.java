package loupegrpc;

/** The server understood a picture, an opening or a control, and said no. */
public sealed class RequestException extends LoupeException permits NotAllowedException {

    private static final long serialVersionUID = 1L;

    /** Why it said no. */
    private final FailureCode code;

    RequestException(FailureCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /**
     * Why the server said no.
     *
     * @return the server's code
     */
    public final FailureCode code() {
        return code;
    }
}
