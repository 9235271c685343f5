package loupegrpc;

import io.grpc.Metadata;
import io.grpc.Status;

/** One attempt at a call failed; what becomes of it is decided by who made it. */
final class CallException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient Status status;
    private final transient Metadata trailers;

    CallException(Status status, Metadata trailers) {
        super(status.toString(), status.getCause());
        this.status = status;
        this.trailers = trailers;
    }

    /** The server took the connection and said nothing. */
    static CallException silence() {
        return new CallException(null);
    }

    private CallException(Void silence) {
        super("silence");
        status = null;
        trailers = null;
    }

    /** Another attempt may do better. */
    boolean isPassing() {
        return status == null || Faults.isTransport(status);
    }

    boolean isUnavailable() {
        return status != null && status.getCode() == Status.Code.UNAVAILABLE;
    }

    LoupeException toException(String address) {
        return status == null
            ? new UnavailableException(address + " takes connections but does not answer", null)
            : Faults.request(status, trailers, address);
    }
}
