package loupegrpc;

/** A session ended before it was completed. Frames in flight have {@link FailureCode#CONNECTION_LOST}. */
public final class ConnectionLostException extends LoupeException {

    private static final long serialVersionUID = 1L;

    ConnectionLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
