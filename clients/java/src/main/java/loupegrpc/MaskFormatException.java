package loupegrpc;

/** Run lengths, or bytes of a PNG, that are no mask. */
public final class MaskFormatException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    MaskFormatException(String message) {
        super(message);
    }

    MaskFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
