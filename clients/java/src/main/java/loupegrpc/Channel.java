package loupegrpc;

import com.google.protobuf.MessageLite;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Drainable;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.KnownLength;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import loupegrpc.v1.AnalyzeRequest;
import loupegrpc.v1.AnalyzeResponse;
import loupegrpc.v1.ForgeryAnalysisServiceGrpc;
import loupegrpc.v1.OpenSession;
import loupegrpc.v1.SessionGrant;

/** One gRPC channel, the calls of the service, and when they are tried again. */
final class Channel {

    /** A server that took the connection may be busy; one that says nothing for so long is none. */
    static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(60);
    /** A session's window may be short, and a way that leads nowhere must not eat it up. */
    static final Duration RECONNECT_TIMEOUT = Duration.ofSeconds(10);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration MAX_PAUSE = Duration.ofSeconds(2);

    /** Requests come as bytes: a session keeps what it may have to send again. */
    private static final MethodDescriptor<byte[], AnalyzeResponse> ANALYZE = ForgeryAnalysisServiceGrpc.getAnalyzeMethod()
        .toBuilder(
            new MethodDescriptor.Marshaller<byte[]>() {
                @Override
                public InputStream stream(byte[] message) {
                    return new Request(message);
                }

                @Override
                public byte[] parse(InputStream stream) {
                    throw new UnsupportedOperationException("requests are not read");
                }
            },
            ForgeryAnalysisServiceGrpc.getAnalyzeMethod().getResponseMarshaller()
        )
        .build();

    /** Handed to gRPC in one piece, and not by a few kilobytes at a time. */
    private static final class Request extends ByteArrayInputStream implements Drainable, KnownLength {

        private Request(byte[] message) {
            super(message);
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int length = available();
            target.write(buf, pos, length);
            pos = count;
            return length;
        }
    }

    /** One attempt at something. */
    @FunctionalInterface
    interface Attempt<T> {
        T make() throws CallException, InterruptedException;
    }

    /** A call once it was granted. */
    record Granted(SessionGrant grant, Connection connection) {}

    final ClientOptions options;
    private final ManagedChannel channel;

    Channel(ClientOptions options) {
        this.options = options;
        var credentials = !options.secure ? InsecureChannelCredentials.create() : options.tls != null ? options.tls : TlsChannelCredentials.create();
        var builder = Grpc.newChannelBuilder(options.target, credentials)
            .userAgent("loupe-grpc-java/" + ClientOptions.VERSION)
            .maxInboundMessageSize(options.maxResponseBytes)
            .keepAliveTime(options.keepAlive.toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            // Ours are the pauses between attempts, and ours is what is sent again.
            .disableRetry();
        if (!options.secure) {
            // A proxy from the system's properties cannot carry HTTP/2 without TLS.
            builder.proxyDetector(address -> null);
        }
        builder.intercept(options.interceptors);
        options.channel.accept(builder);
        channel = builder.build();
    }

    String shown() {
        return options.shown;
    }

    void close() {
        channel.shutdownNow();
    }

    boolean isClosed() {
        return channel.isShutdown();
    }

    /** Asked by the thread whose trace it is. */
    Map<String, String> traceContext() {
        return Map.copyOf(options.traceContext.get());
    }

    <Q extends MessageLite, A extends MessageLite> A unary(MethodDescriptor<Q, A> method, Q request, Map<String, String> trace, Patience patience)
        throws CallException, InterruptedException {
        var callOptions =
            patience == Patience.FOREVER ? CallOptions.DEFAULT : CallOptions.DEFAULT.withDeadlineAfter(patience.left(), TimeUnit.NANOSECONDS);
        var answer = ClientCalls.futureUnaryCall(with(trace).newCall(method, callOptions), request);
        try {
            return answer.get();
        } catch (InterruptedException interrupted) {
            answer.cancel(true);
            throw interrupted;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof StatusRuntimeException told) {
                throw new CallException(told.getStatus(), told.getTrailers());
            }
            throw new IllegalStateException(failed.getCause());
        }
    }

    /** Makes a call and waits for its grant, at most so long. */
    Granted open(OpenSession opening, Map<String, String> trace, Duration timeout) throws CallException, InterruptedException {
        var headers = new HashMap<>(trace);
        if (!opening.getSessionName().isEmpty()) {
            // Header values are ASCII; balancers only hash them.
            headers.put("loupe-session", escape(opening.getSessionName()));
        }
        var request = AnalyzeRequest.newBuilder().setOpen(opening).build().toByteArray();
        var connection = new Connection(with(headers).newCall(ANALYZE, CallOptions.DEFAULT), request);
        boolean granted = false;
        try {
            var answer = connection.take(Patience.of(timeout));
            if (answer == null) {
                if (connection.status() == null) {
                    throw CallException.silence();
                }
                if (!connection.status().isOk()) {
                    throw new CallException(connection.status(), connection.trailers());
                }
            }
            if (answer == null || !answer.hasGranted()) {
                throw new UnavailableException(
                    "the server at " + shown() + " did not grant the session: it speaks another version of loupe.v1",
                    null
                );
            }
            granted = true;
            return new Granted(answer.getGranted(), connection);
        } finally {
            if (!granted) {
                connection.cancel();
            }
        }
    }

    /** Tries until the server answers; no attempt begins once the connect timeout has passed. */
    <T> T connect(Attempt<T> attempt) throws InterruptedException {
        var patience = Patience.of(options.connectTimeout);
        for (int tries = 0; ; tries++) {
            try {
                return make(attempt);
            } catch (CallException failed) {
                if (!failed.isPassing() || patience.left() <= 0) {
                    throw failed.toException(shown());
                }
                sleep(tries, Duration.ofNanos(patience.left()));
            }
        }
    }

    /** Makes a call outside sessions: tried again where the server cannot have taken it. */
    <T> T call(Patience patience, Attempt<T> attempt) throws InterruptedException {
        for (int tries = 0; ; tries++) {
            try {
                return make(attempt);
            } catch (CallException failed) {
                if (!failed.isUnavailable() || tries >= options.unaryRetries || patience.left() <= 0) {
                    throw failed.toException(shown());
                }
                sleep(tries + 1, Duration.ofNanos(patience.left()));
            }
        }
    }

    /** Tries until a connection is there; no attempt begins once the outage has lasted as long as it may. */
    <T> T reconnect(Outage outage, Attempt<T> attempt) throws InterruptedException {
        if (outage.attempts > 0) {
            // The connection before this one was of no use.
            sleep(outage.attempts, outage.left());
        }
        outage.attempts++;
        while (true) {
            try {
                return make(attempt);
            } catch (CallException failed) {
                if (!failed.isPassing() || outage.isOver()) {
                    throw failed.toException(shown());
                }
                sleep(outage.attempts, outage.left());
                outage.attempts++;
            }
        }
    }

    private <T> T make(Attempt<T> attempt) throws CallException, InterruptedException {
        if (isClosed()) {
            throw new UnavailableException("the client of " + shown() + " was closed", null);
        }
        // gRPC's own pauses grow to two minutes.
        channel.resetConnectBackoff();
        return attempt.make();
    }

    private io.grpc.Channel with(Map<String, String> headers) {
        var metadata = new Metadata();
        put(metadata, headers);
        put(metadata, options.headers);
        put(metadata, options.callHeaders.get());
        if (!options.key.isEmpty()) {
            put(metadata, Map.of("authorization", "Bearer " + options.key));
        }
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    private static void put(Metadata metadata, Map<String, String> headers) {
        headers.forEach((name, value) -> {
            var key = Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
            metadata.discardAll(key);
            metadata.put(key, value);
        });
    }

    /** 0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once. */
    private static void sleep(int attempt, Duration atMost) throws InterruptedException {
        var pause = FIRST_PAUSE.multipliedBy(1L << Math.min(attempt, 10));
        var jittered = Math.min(pause.toNanos(), MAX_PAUSE.toNanos()) * (0.75 + ThreadLocalRandom.current().nextDouble() / 2);
        TimeUnit.NANOSECONDS.sleep((long) Math.max(0, Math.min(jittered, atMost.toNanos())));
    }

    /** As JavaScript's encodeURIComponent, which the other clients follow. */
    static String escape(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
            .replace("+", "%20")
            .replace("%21", "!")
            .replace("%27", "'")
            .replace("%28", "(")
            .replace("%29", ")")
            .replace("%7E", "~");
    }
}
