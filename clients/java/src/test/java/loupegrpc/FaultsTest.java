package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import java.net.ConnectException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Those of HTTP are what gRPC gave with nginx and an HTTP/1 server before it. */
final class FaultsTest {

    private static final String HOST = "http://host:1";

    private static LoupeException request(Status status) {
        return Faults.request(status, new Metadata(), HOST);
    }

    @Test
    void whatBrokeOnTheWayMayDoBetterNextTime() {
        for (var status : List.of(
            Status.UNAVAILABLE,
            Status.INTERNAL.withDescription("RST_STREAM closed stream. HTTP/2 error code: INTERNAL_ERROR"),
            Status.CANCELLED.withDescription("RST_STREAM closed stream. HTTP/2 error code: CANCEL"),
            Status.UNKNOWN.withDescription("Connection reset by peer"),
            Status.INTERNAL.withDescription("Encountered end-of-stream mid-frame")
        )) {
            assertTrue(Faults.isTransport(status), status.toString());
            assertInstanceOf(UnavailableException.class, request(status));
            var lost = assertInstanceOf(ConnectionLostException.class, Faults.session(status, new Metadata(), HOST));
            assertTrue(lost.getMessage().startsWith("the connection to http://host:1 broke (" + status.getCode()), lost.getMessage());
        }
        for (var status : List.of(
            Status.INTERNAL,
            Status.CANCELLED,
            Status.ABORTED,
            Status.RESOURCE_EXHAUSTED,
            Status.UNKNOWN.withDescription("x")
        )) {
            assertFalse(Faults.isTransport(status), status.toString());
            assertInstanceOf(RequestException.class, request(status));
            var lost = assertInstanceOf(ConnectionLostException.class, Faults.session(status, new Metadata(), HOST));
            assertTrue(lost.getMessage().startsWith("the server at http://host:1 ended the session (" + status.getCode()), lost.getMessage());
        }
    }

    @Test
    void whatIsNoServerIsToldByWhatItIs() {
        var body = "\ninvalid content-type: text/html\nheaders: Metadata(:status=%1$s)\nDATA-----------------------------\n<html>";
        for (var expected : List.of(
            List.of("413", "client_max_body_size"),
            List.of("502", "does not reach the server"),
            List.of("503", "does not reach the server"),
            List.of("504", "grpc_read_timeout"),
            List.of("404", "something that does not speak gRPC answered with HTTP 404"),
            List.of("200", "something that does not speak gRPC answered with HTTP 200")
        )) {
            var status = Status.UNKNOWN.withDescription("HTTP status code " + expected.get(0) + String.format(body, expected.get(0)));
            var fault = assertInstanceOf(UnavailableException.class, request(status));
            assertTrue(fault.getMessage().contains(expected.get(1)), fault.getMessage());
            assertFalse(fault.getMessage().contains("<html>"), fault.getMessage());
        }
        var old = request(
            Status.INTERNAL.withDescription("http2 exception: First received frame was not SETTINGS. Hex dump for first 5 bytes: 3c21444f43")
        );
        assertTrue(assertInstanceOf(UnavailableException.class, old).getMessage().contains("does not speak HTTP/2 without TLS"));
        var nobody = request(Status.UNAVAILABLE.withDescription("io exception").withCause(new ConnectException("Connection refused")));
        assertTrue(nobody.getMessage().endsWith("(io exception: Connection refused)"), nobody.getMessage());
        assertTrue(request(Status.UNIMPLEMENTED).getMessage().contains("an older one (no reason given)"));
    }

    @Test
    void refusalsWithoutDetailsHaveTheCodeOfTheirStatus() {
        for (var expected : List.of(
            List.of(Status.INVALID_ARGUMENT, FailureCode.INVALID),
            List.of(Status.RESOURCE_EXHAUSTED, FailureCode.OVERLOADED),
            List.of(Status.DEADLINE_EXCEEDED, FailureCode.EXPIRED),
            List.of(Status.CANCELLED, FailureCode.CANCELED),
            List.of(Status.DATA_LOSS, FailureCode.INTERNAL),
            List.of(Status.PERMISSION_DENIED, FailureCode.NOT_ALLOWED)
        )) {
            var refused = assertInstanceOf(RequestException.class, request((Status) expected.get(0)));
            assertEquals(expected.get(1), refused.code());
        }
    }

    @Test
    void detailsThatAreNoneAreLeftAlone() {
        var trailers = new Metadata();
        trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] { 26, 100, 1 });
        assertEquals("x", Faults.request(Status.INVALID_ARGUMENT.withDescription("x."), trailers, HOST).getMessage());
    }
}
