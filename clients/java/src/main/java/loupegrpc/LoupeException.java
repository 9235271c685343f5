package loupegrpc;

/**
 * The server or the way to it failed. The message is one sentence for people, the cause what gRPC said.
 *
 * <p>Unchecked, as callers seldom can do better than those above them, and frames often come out of lambdas.
 */
public abstract sealed class LoupeException extends RuntimeException permits UnavailableException, ConnectionLostException, RequestException {

    private static final long serialVersionUID = 1L;

    LoupeException(String message, Throwable cause) {
        super(message, cause);
    }
}
