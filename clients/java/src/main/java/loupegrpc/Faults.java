package loupegrpc;

import com.google.protobuf.Any;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.WireFormat;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;
import loupegrpc.v1.Failed;

/** What gRPC's statuses mean. */
final class Faults {

    static final String LARGE_MESSAGES =
        "a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)";
    static final String LONG_CALLS =
        "a proxy in between may end calls that are large or long" +
        " (nginx: client_max_body_size, client_body_timeout, grpc_read_timeout, grpc_send_timeout)";

    private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    /** The details of google.rpc.Status. */
    private static final int DETAILS_TAG = (3 << 3) | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    /** As Netty's and OkHttp's transports put it. */
    private static final Pattern BROKEN_STREAM = Pattern.compile(
        "rst.?stream|HTTP/2 error code|GOAWAY|connection reset|connection closed|end-of-stream|end of stream|unexpected EOS|channel closed",
        Pattern.CASE_INSENSITIVE
    );
    /** What Netty's transport says of HTTP/1. */
    private static final String NO_HTTP2 = "First received frame was not SETTINGS";

    private static final Pattern HTTP_STATUS = Pattern.compile("HTTP status code ([0-9]{3})", Pattern.CASE_INSENSITIVE);

    private Faults() {}

    /** The way to the server failed, not the server; another connection may do better. */
    static boolean isTransport(Status status) {
        return switch (status.getCode()) {
            case UNAVAILABLE -> true;
            case INTERNAL, UNKNOWN, CANCELLED -> status.getDescription() != null && BROKEN_STREAM.matcher(status.getDescription()).find();
            default -> false;
        };
    }

    /** For a call outside sessions, or the opening of one. */
    static LoupeException request(Status status, Metadata trailers, String address) {
        var cause = status.asRuntimeException(trailers);
        var details = oneLine(status);
        var hint = proxyHint(status);
        if (status.getCode() == Status.Code.UNAUTHENTICATED || status.getCode() == Status.Code.PERMISSION_DENIED) {
            return new NotAllowedException("the server at " + address + " does not allow this: " + hint.orElse(details), cause);
        }
        var failed = failedOf(trailers);
        if (failed.isPresent()) {
            return new RequestException(FailureCode.of(failed.get().getCode()), failed.get().getMessage(), cause);
        }
        if (hint.isPresent()) {
            return new UnavailableException("no LoupeGrpc server at " + address + ": " + hint.get(), cause);
        }
        if (status.getCode() == Status.Code.UNAVAILABLE) {
            return new UnavailableException(
                "no LoupeGrpc server at " + address + ": is it running? Start it with `loupe-grpc-server serve` (" + details + ")",
                cause
            );
        }
        if (status.getCode() == Status.Code.UNIMPLEMENTED) {
            return new UnavailableException("what answers at " + address + " is not a LoupeGrpc server, or is an older one (" + details + ")", cause);
        }
        if (isTransport(status)) {
            return new UnavailableException("the connection to " + address + " broke (" + details + ")", cause);
        }
        return switch (status.getCode()) {
            case INVALID_ARGUMENT -> new RequestException(FailureCode.INVALID, details, cause);
            case RESOURCE_EXHAUSTED -> new RequestException(FailureCode.OVERLOADED, details, cause);
            case DEADLINE_EXCEEDED -> new RequestException(FailureCode.EXPIRED, details, cause);
            case CANCELLED -> new RequestException(FailureCode.CANCELED, details, cause);
            default -> new RequestException(FailureCode.INTERNAL, status.getCode() + ": " + details, cause);
        };
    }

    /** For a session that ran. */
    static LoupeException session(Status status, Metadata trailers, String address) {
        if (status.getCode() == Status.Code.UNAUTHENTICATED || status.getCode() == Status.Code.PERMISSION_DENIED) {
            return request(status, trailers, address);
        }
        var failed = failedOf(trailers);
        var what =
            failed.isEmpty() && isTransport(status) ? "the connection to " + address + " broke" : "the server at " + address + " ended the session";
        var why = failed.map(Failed::getMessage).orElseGet(() -> proxyHint(status).orElseGet(() -> oneLine(status)));
        return new ConnectionLostException(what + " (" + status.getCode() + ": " + why + ")", status.asRuntimeException(trailers));
    }

    /** What an answer without gRPC in it means; empty where the answer was gRPC. */
    private static Optional<String> proxyHint(Status status) {
        var description = status.getDescription() == null ? "" : status.getDescription();
        if (description.contains(NO_HTTP2)) {
            return Optional.of("something that does not speak HTTP/2 without TLS answered");
        }
        var found = HTTP_STATUS.matcher(description);
        if (!found.find()) {
            return Optional.empty();
        }
        var code = found.group(1);
        return Optional.of(
            switch (code) {
                case "413" -> "a proxy answered with HTTP 413: " + LARGE_MESSAGES;
                case "502", "503" -> "a proxy answered with HTTP " + code + ": it does not reach the server";
                case "504" -> "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)";
                default -> "something that does not speak gRPC answered with HTTP " + code;
            }
        );
    }

    /** The loupe.v1.Failed in the status details, if there is one; a proxy's own idea of a status has none. */
    private static Optional<Failed> failedOf(Metadata trailers) {
        var bytes = trailers == null ? null : trailers.get(DETAILS);
        if (bytes == null) {
            return Optional.empty();
        }
        try {
            var status = CodedInputStream.newInstance(bytes);
            for (int tag = status.readTag(); tag != 0; tag = status.readTag()) {
                if (tag == DETAILS_TAG) {
                    var detail = status.readMessage(Any.parser(), ExtensionRegistryLite.getEmptyRegistry());
                    if (detail.is(Failed.class)) {
                        return Optional.of(detail.unpack(Failed.class));
                    }
                } else if (!status.skipField(tag)) {
                    break;
                }
            }
        } catch (IOException broken) {
            // There is no detail then.
            return Optional.empty();
        }
        return Optional.empty();
    }

    /** With what is behind it: of a connection that could not be made the reason is there. */
    private static String oneLine(Status status) {
        var text = new StringBuilder(status.getDescription() == null ? "" : status.getDescription());
        var cause = status.getCause();
        while (cause != null && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause != null && cause.getMessage() != null) {
            text.append(text.isEmpty() ? "" : ": ").append(cause.getMessage());
        }
        var line = text.toString().strip().replaceAll("\\s+", " ").replaceAll("\\.$", "");
        return line.isEmpty() ? "no reason given" : line;
    }
}
