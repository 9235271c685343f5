package loupegrpc;

/** The server wants to know who calls, or does not allow it. */
public final class NotAllowedException extends RequestException {

    private static final long serialVersionUID = 1L;

    NotAllowedException(String message, Throwable cause) {
        super(FailureCode.NOT_ALLOWED, message, cause);
    }
}
