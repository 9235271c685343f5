package loupegrpc;

/** There is no LoupeGrpc server at the address, or it takes no calls now. Nothing was analysed. */
public final class UnavailableException extends LoupeException {

    private static final long serialVersionUID = 1L;

    UnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
