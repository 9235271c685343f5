package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import java.io.UncheckedIOException;
import java.text.MessageFormat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ResourceBundle;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import loupegrpc.v1.AnalyzeRequest;
import loupegrpc.v1.Failed;
import loupegrpc.v1.SessionEvent;
import loupegrpc.v1.SessionEventKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sessions with servers that lag, break, lie, and go. */
@Timeout(60)
final class SessionTest {

    private static Frame frame(long id) {
        return Frame.of(Image.encoded(new byte[] { 1 })).withId(id);
    }

    private static LoupeClient client(FakeServer server) {
        return new LoupeClient(server.address());
    }

    private static List<Outcome> rest(Session session) {
        var outcomes = new ArrayList<Outcome>();
        session.forEach(outcomes::add);
        return outcomes;
    }

    private static String header(Metadata headers, String name) {
        return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }

    /** A logger that keeps what it is told. */
    private static final class Log implements System.Logger {

        final List<String> lines = Collections.synchronizedList(new ArrayList<>());
        volatile Runnable also = () -> {};

        @Override
        public String getName() {
            return "test";
        }

        @Override
        public boolean isLoggable(Level level) {
            return true;
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
            throw new AssertionError(message);
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
            lines.add(level + " " + MessageFormat.format(format, parameters));
            also.run();
        }
    }

    @Test
    void aServerThatLagsSlowsTheSenderDownToItsCredits() throws Exception {
        var release = new CountDownLatch(1);
        try (
            var server = new FakeServer(call -> {
                call.receive();
                call.send(FakeServer.granted());
                release.await();
                FakeServer.answerRest(call);
            });
            var client = client(server);
            var session = client.openSession()
        ) {
            for (int i = 0; i < 4; i++) {
                assertEquals(i, session.send(frame(i)));
            }
            // The fifth is not taken with four credits, and leaves no trace.
            assertThrows(TimeoutException.class, () -> session.send(frame(9), Duration.ZERO));
            assertThrows(TimeoutException.class, () -> session.receive(Duration.ZERO));
            assertThrows(TimeoutException.class, () -> session.nextEvent(Duration.ZERO));
            release.countDown();
            assertEquals(0, session.receive().orElseThrow().frame().index());
            assertEquals(4, session.send(frame(5)));
            assertEquals(5, session.complete().getFrames());
            assertEquals(
                List.of(1, 2, 3, 4),
                rest(session)
                    .stream()
                    .map(outcome -> outcome.frame().index())
                    .toList()
            );
            assertEquals(Optional.empty(), session.fault());
            assertThrows(IllegalStateException.class, () -> session.send(frame(6)));
            assertThrows(IllegalStateException.class, session::flush);
        }
    }

    @Test
    void aResumedSessionSendsWhatTheServerLacksAndNothingElse() throws Exception {
        var claimed = new AtomicReference<AnalyzeRequest>();
        var again = new AtomicReference<AnalyzeRequest>();
        var log = new Log();
        var traces = new AtomicInteger();
        var tokens = new AtomicInteger();
        try (
            var server = new FakeServer(
                call -> {
                    call.receive();
                    call.send(FakeServer.resumable());
                    for (int i = 0; i < 3; i++) {
                        call.receive();
                    }
                    call.send(FakeServer.result(0));
                    throw FakeServer.gone();
                },
                call -> {
                    claimed.set(call.receive().orElseThrow());
                    call.send(FakeServer.resumed(2));
                    call.send(FakeServer.result(1));
                    again.set(call.receive().orElseThrow());
                    call.send(FakeServer.result(2));
                    if (call.receive().isPresent()) {
                        throw Status.INTERNAL.withDescription("something else came too").asException();
                    }
                    call.send(FakeServer.summary(3));
                }
            );
            var client = new LoupeClient(
                ClientOptions.builder()
                    .address(server.address())
                    .logger(log)
                    .traceContext(() -> Map.of("traceparent", "00-abc-" + traces.incrementAndGet()))
                    .callHeaders(() -> Map.of("token", "t" + tokens.incrementAndGet()))
                    .build()
            )
        ) {
            var session = client.openSession(SessionOptions.builder().name("gate 4/née").build());
            for (int i = 0; i < 3; i++) {
                session.send(frame(i));
            }
            session.complete();
            var outcomes = rest(session);
            session.close();
            assertEquals(3, outcomes.size());
            for (int i = 0; i < 3; i++) {
                assertEquals(i, assertInstanceOf(Outcome.Result.class, outcomes.get(i)).frame().id());
            }
            assertEquals(Optional.empty(), session.fault());
            assertEquals(1, claimed.get().getOpen().getResponsesReceived());
            assertEquals(1, claimed.get().getOpen().getFramesAnswered());
            assertEquals(2, again.get().getFrame().getFrameId());
            // The trace of its opening goes along with every connection; a token is asked for anew.
            assertEquals(2, server.headers.size());
            for (int i = 0; i < 2; i++) {
                assertEquals("00-abc-1", header(server.headers.get(i), "traceparent"));
                assertEquals("t" + (i + 1), header(server.headers.get(i), "token"));
                assertEquals("gate%204%2Fn%C3%A9e", header(server.headers.get(i), "loupe-session"));
            }
            assertEquals(2, log.lines.size(), log.lines.toString());
            assertTrue(log.lines.get(0).startsWith("WARNING session fake (gate 4/née): disconnected: the connection to http://127.0.0.1:"));
            assertTrue(log.lines.get(1).startsWith("INFO session fake (gate 4/née): resumed after "));
            assertInstanceOf(Event.Disconnected.class, session.nextEvent().orElseThrow());
            assertEquals(1, assertInstanceOf(Event.Resumed.class, session.nextEvent().orElseThrow()).framesSentAgain());
            assertEquals(Optional.empty(), session.nextEvent());
        }
    }

    @Test
    void aControlWhoseReplyGotLostIsNotSentTwice() throws Exception {
        var claimed = new AtomicReference<AnalyzeRequest>();
        try (
            var server = new FakeServer(
                call -> {
                    call.receive();
                    call.send(FakeServer.resumable());
                    call.receive();
                    throw FakeServer.gone();
                },
                call -> {
                    claimed.set(call.receive().orElseThrow());
                    var grant = FakeServer.resumed(0).getGranted().toBuilder().setControlsReceived(1);
                    call.send(FakeServer.granted(grant));
                    var reply = loupegrpc.v1.ControlReply.newBuilder().setControlId(1);
                    call.send(loupegrpc.v1.AnalyzeResponse.newBuilder().setControlReply(reply).build());
                    if (call.receive().isPresent()) {
                        throw Status.INTERNAL.withDescription("it came twice").asException();
                    }
                    call.send(FakeServer.summary(0));
                }
            );
            var client = client(server);
            var session = client.openSession()
        ) {
            assertEquals(1, session.flush().getControlId());
            session.complete();
            assertEquals(0, claimed.get().getOpen().getControlsAnswered());
            assertEquals(Optional.empty(), session.fault());
        }
    }

    @Test
    void aFrameOverWhichEveryConnectionBreaksIsGivenUpAndTheRestGoesOn() throws Exception {
        try (
            var server = new FakeServer(
                call -> {
                    call.receive();
                    call.send(FakeServer.resumable());
                    call.receive();
                    throw FakeServer.gone();
                },
                call -> {
                    call.receive();
                    call.send(FakeServer.resumed(0));
                    if (call.receive().orElseThrow().getFrame().getFrameId() == 0) {
                        throw FakeServer.gone();
                    }
                    call.send(FakeServer.result(0));
                    call.receive();
                    call.send(FakeServer.summary(1));
                }
            );
            var client = client(server);
            var session = client.openSession()
        ) {
            session.send(frame(0));
            session.send(frame(1));
            session.complete();
            var outcomes = rest(session);
            var failed = assertInstanceOf(Outcome.Failed.class, outcomes.get(0));
            assertEquals(FailureCode.CONNECTION_LOST, failed.code());
            assertTrue(failed.message().contains("client_max_body_size"), failed.message());
            assertEquals(1, assertInstanceOf(Outcome.Result.class, outcomes.get(1)).frame().id());
            assertEquals(0, outcomes.get(1).frame().sequence());
            assertEquals(Optional.empty(), session.fault());
        }
    }

    @Test
    void withoutReconnectingASessionEndsWithItsConnection() throws Exception {
        try (
            var server = new FakeServer(call -> {
                var opening = call.receive().orElseThrow().getOpen();
                if (opening.getResumable()) {
                    throw Status.INTERNAL.asException();
                }
                call.send(FakeServer.granted());
                call.receive();
                throw FakeServer.gone();
            });
            var client = client(server);
            var session = client.openSession(SessionOptions.builder().reconnect(false).build())
        ) {
            session.send(frame(7));
            var failed = assertInstanceOf(Outcome.Failed.class, rest(session).get(0));
            assertEquals(FailureCode.CONNECTION_LOST, failed.code());
            var fault = session.fault().orElseThrow();
            assertInstanceOf(ConnectionLostException.class, fault);
            assertSame(fault, assertThrows(ConnectionLostException.class, session::complete).getCause());
            assertEquals(1, server.headers.size());
        }
    }

    /** A server from which nothing comes but the grant. */
    private static void silent(FakeServer.Call call) throws InterruptedException {
        call.receive();
        call.send(FakeServer.resumable());
        while (call.receive().isPresent()) {
            // It takes all.
        }
    }

    @Test
    void whenItsContextIsCancelledASessionIsOver() throws Exception {
        try (var server = new FakeServer(SessionTest::silent); var client = client(server)) {
            var context = Context.current().withCancellation();
            var session = context.call(client::openSession);
            session.send(frame(0));
            context.cancel(new CancellationException("enough"));
            var failed = assertInstanceOf(Outcome.Failed.class, rest(session).get(0));
            assertEquals(FailureCode.CANCELED, failed.code());
            assertEquals("enough", session.fault().orElseThrow().getCause().getMessage());
            assertThrows(ConnectionLostException.class, session::flush);
            session.close();
        }
    }

    @Test
    void closingEndsWhatIsInFlightAndWhoeverWaits() throws Exception {
        try (var server = new FakeServer(SessionTest::silent); var client = client(server)) {
            var session = client.openSession();
            session.send(frame(0));
            var failures = Collections.synchronizedList(new ArrayList<Throwable>());
            var waiting = new Thread(() -> {
                try {
                    session.flush();
                } catch (InterruptedException | RuntimeException ended) {
                    failures.add(ended);
                }
            });
            waiting.start();
            session.close();
            waiting.join();
            assertInstanceOf(ConnectionLostException.class, failures.get(0));
            assertEquals(FailureCode.CANCELED, assertInstanceOf(Outcome.Failed.class, rest(session).get(0)).code());
            session.close();
        }
    }

    @Test
    void aClientThatIsClosedTakesItsSessionsAlong() throws Exception {
        try (var server = new FakeServer(SessionTest::silent)) {
            var client = client(server);
            var session = client.openSession();
            session.send(frame(0));
            client.close();
            assertEquals(FailureCode.CONNECTION_LOST, assertInstanceOf(Outcome.Failed.class, rest(session).get(0)).code());
            assertEquals(1, server.headers.size());
            assertInstanceOf(ConnectionLostException.class, session.fault().orElseThrow());
            session.close();
            assertTrue(assertThrows(UnavailableException.class, client::openSession).getMessage().contains("was closed"));
            assertThrows(UnavailableException.class, client::serverInfo);
        }
    }

    @Test
    void aSessionThatIsClosedOnceItWasCompletedHasNoFault() throws Exception {
        var release = new CountDownLatch(1);
        try (
            var server = new FakeServer(call -> {
                FakeServer.answerAll(call);
                release.await();
            });
            var client = client(server)
        ) {
            var session = client.openSession();
            session.complete();
            session.close();
            assertEquals(Optional.empty(), session.fault());
            assertEquals(Optional.empty(), session.receive());
            release.countDown();
        }
    }

    @Test
    void whoIsInterruptedGivesUpAndTheSessionGoesOn() throws Exception {
        try (var server = new FakeServer(FakeServer::answerAll); var client = client(server); var session = client.openSession()) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, session::receive);
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> session.send(frame(0)));
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, () -> session.iterator().hasNext());
            assertTrue(Thread.interrupted());
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> client.analyzeImage(Image.encoded(new byte[1])));
            assertEquals(0, session.send(frame(1)));
            assertEquals(1, session.receive().orElseThrow().frame().id());
            assertEquals(1, session.complete().getFrames());
        }
    }

    @Test
    void manyThreadsShareASession() throws Exception {
        try (var server = new FakeServer(FakeServer::answerAll); var client = client(server); var session = client.openSession()) {
            var senders = IntStream.range(0, 4)
                .mapToObj(number ->
                    new Thread(() -> {
                        try {
                            for (int i = 0; i < 50; i++) {
                                session.send(frame(number));
                            }
                        } catch (InterruptedException impossible) {
                            throw new AssertionError(impossible);
                        }
                    })
                )
                .toList();
            senders.forEach(Thread::start);
            for (int index = 0; index < 200; index++) {
                assertEquals(index, assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow()).frame().index());
            }
            assertEquals(200, session.complete().getFrames());
            assertEquals(Optional.empty(), session.receive());
        }
    }

    @Test
    void aLogMayAskTheSessionAndIsNotInterrupted() throws Exception {
        var log = new Log();
        var release = new CountDownLatch(1);
        var session = new AtomicReference<Session>();
        var problems = Collections.synchronizedList(new ArrayList<Throwable>());
        log.also = () -> {
            try {
                release.await();
                session.get().fault();
            } catch (InterruptedException problem) {
                problems.add(problem);
            }
        };
        try (
            var server = new FakeServer(call -> {
                call.receive();
                call.send(FakeServer.granted());
                call.receive();
                throw Status.ABORTED.withDescription("an operator ended it").asException();
            });
            var client = new LoupeClient(ClientOptions.builder().address(server.address()).logger(log).build())
        ) {
            session.set(client.openSession());
            session.get().send(frame(0));
            rest(session.get());
            assertTrue(session.get().fault().orElseThrow().getMessage().contains("an operator ended it"));
            // While its thread is in the log.
            var closing = new Thread(session.get()::close);
            closing.start();
            release.countDown();
            closing.join();
            assertEquals(1, log.lines.size());
            assertEquals(List.of(), problems);
        }
    }

    @Test
    void whatTheCallersHeadersThrowEndsTheSessionAndNobodyWaits() throws Exception {
        var asked = new AtomicInteger();
        try (
            var server = new FakeServer(call -> {
                call.receive();
                call.send(FakeServer.resumable());
                call.receive();
                throw FakeServer.gone();
            });
            var client = new LoupeClient(
                ClientOptions.builder()
                    .address(server.address())
                    .callHeaders(() -> {
                        if (asked.incrementAndGet() > 1) {
                            throw new IllegalStateException("no token");
                        }
                        return Map.of();
                    })
                    .build()
            );
            var session = client.openSession()
        ) {
            session.send(frame(0));
            assertEquals(1, rest(session).size());
            assertTrue(session.fault().orElseThrow().getMessage().contains("no token"));
        }
    }

    @Test
    void whatTheServerTellsIsAnEventAndATakeoverTheEnd() throws Exception {
        try (
            var server = new FakeServer(call -> {
                call.receive();
                call.send(FakeServer.resumable());
                for (var kind : List.of(SessionEventKind.SESSION_EVENT_KIND_PROVIDER_CHANGED, SessionEventKind.SESSION_EVENT_KIND_TAKEN_OVER)) {
                    call.send(loupegrpc.v1.AnalyzeResponse.newBuilder().setEvent(SessionEvent.newBuilder().setKind(kind).setMessage("told")).build());
                }
                call.receive();
            });
            var client = client(server);
            var session = client.openSession()
        ) {
            var told = assertInstanceOf(Event.ServerEvent.class, session.nextEvent().orElseThrow());
            assertEquals(EventKind.PROVIDER_CHANGED, told.kind());
            assertEquals("told", told.toString());
            assertEquals(EventKind.TAKEN_OVER, assertInstanceOf(Event.ServerEvent.class, session.nextEvent().orElseThrow()).kind());
            assertEquals(Optional.empty(), session.receive());
            assertTrue(session.fault().orElseThrow().getMessage().contains("took over"));
            assertEquals(1, server.headers.size());
        }
    }

    private static StatusException detailed() {
        var failed = Failed.newBuilder()
            .setCode(loupegrpc.v1.FailureCode.FAILURE_CODE_OVERLOADED)
            .setMessage("no room: Loupe:Limits:MaxSessions")
            .build();
        // google.rpc.Status: code, message, details.
        var detail = Any.pack(failed).toByteString();
        var status = ByteString.copyFrom(new byte[] {
            8,
            8,
            18,
            1,
            'x',
            26,
            (byte) ((detail.size() & 0x7f) | 0x80),
            (byte) (detail.size() >> 7),
        }).concat(detail);
        var trailers = new Metadata();
        trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), status.toByteArray());
        return Status.RESOURCE_EXHAUSTED.withDescription("no room").asException(trailers);
    }

    @Test
    void refusalsKeepTheirCodes() throws Exception {
        try (
            var server = new FakeServer(
                call -> {
                    throw detailed();
                },
                call -> {
                    throw Status.UNAUTHENTICATED.withDescription("a key is missing").asException();
                },
                call -> call.send(FakeServer.summary(0))
            );
            var client = client(server)
        ) {
            var overloaded = assertThrows(RequestException.class, client::openSession);
            assertEquals(FailureCode.OVERLOADED, overloaded.code());
            assertTrue(overloaded.getMessage().contains("MaxSessions"));
            var unknown = assertThrows(NotAllowedException.class, client::openSession);
            assertEquals(FailureCode.NOT_ALLOWED, unknown.code());
            assertTrue(unknown.getMessage().contains("a key is missing"));
            assertTrue(assertThrows(UnavailableException.class, client::openSession).getMessage().contains("another version"));
        }
    }

    @Test
    void headersKeysAndInterceptorsGoAlong() throws Exception {
        var interceptor = new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    @Override
                    public void start(Listener<A> listener, Metadata headers) {
                        headers.put(Metadata.Key.of("seen", Metadata.ASCII_STRING_MARSHALLER), header(headers, "x-tenant"));
                        super.start(listener, headers);
                    }
                };
            }
        };
        try (
            var server = new FakeServer(FakeServer::answerAll);
            var client = LoupeClient.connect(
                ClientOptions.builder().address(server.address()).key("s3cret").headers(Map.of("X-Tenant", "a")).interceptors(interceptor).build()
            )
        ) {
            client.openSession().close();
            assertEquals(2, server.headers.size());
            for (var headers : server.headers) {
                assertEquals("Bearer s3cret", header(headers, "authorization"));
                assertEquals("a", header(headers, "x-tenant"));
                assertEquals("a", header(headers, "seen"));
                assertTrue(header(headers, "user-agent").startsWith("loupe-grpc-java/" + ClientOptions.VERSION));
            }
        }
    }

    @Test
    void whatAnInterceptorThrowsEndsTheSessionAndNotItsSender() throws Exception {
        var interceptor = new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    private int sent;

                    @Override
                    public void sendMessage(Q message) {
                        if (sent++ > 0) {
                            throw new IllegalStateException("no more");
                        }
                        super.sendMessage(message);
                    }
                };
            }
        };
        try (
            var server = new FakeServer(SessionTest::silent);
            var client = new LoupeClient(ClientOptions.builder().address(server.address()).interceptors(interceptor).build());
            var session = client.openSession()
        ) {
            assertEquals(0, session.send(frame(0)));
            assertEquals(FailureCode.CONNECTION_LOST, assertInstanceOf(Outcome.Failed.class, rest(session).get(0)).code());
            assertTrue(session.fault().orElseThrow().getMessage().contains("no more"), session.fault().toString());
        }
    }

    @Test
    void analyzeEndsWithItsReaderOrItsSource() throws Exception {
        try (var server = new FakeServer(FakeServer::answerAll); var client = client(server)) {
            try (var outcomes = client.analyze(List.of(frame(0), frame(1), frame(2)))) {
                assertTrue(outcomes.hasNext());
                assertThrows(IllegalStateException.class, outcomes::summary);
                int index = 0;
                for (var outcome : outcomes) {
                    assertEquals(index++, outcome.frame().index());
                }
                assertEquals(3, outcomes.summary().getFrames());
            }
            // A reader that goes, from a source without an end.
            var endless = new Iterator<Frame>() {
                @Override
                public boolean hasNext() {
                    return true;
                }

                @Override
                public Frame next() {
                    return frame(0);
                }
            };
            try (var outcomes = client.analyze(endless, SessionOptions.STANDARD)) {
                assertEquals(0, outcomes.next().frame().index());
            }
            // A frame that cannot be read ends it behind the outcomes of those before.
            try (var outcomes = client.analyze(List.of(frame(0), Frame.of(Image.file("no/such/file.jpg")), frame(2)))) {
                assertEquals(0, outcomes.next().frame().index());
                assertTrue(assertThrows(UncheckedIOException.class, outcomes::hasNext).getMessage().contains("no/such/file.jpg"));
            }
        }
    }

    @Test
    void analyzeThrowsBehindTheOutcomesWhereTheSessionBroke() throws Exception {
        try (
            var server = new FakeServer(call -> {
                call.receive();
                call.send(FakeServer.granted());
                call.receive();
                call.send(FakeServer.result(0));
                call.receive();
                throw Status.ABORTED.withDescription("an operator ended it").asException();
            });
            var client = client(server);
            var outcomes = client.analyze(List.of(frame(0), frame(1)))
        ) {
            assertInstanceOf(Outcome.Result.class, outcomes.next());
            assertEquals(FailureCode.CONNECTION_LOST, assertInstanceOf(Outcome.Failed.class, outcomes.next()).code());
            assertThrows(ConnectionLostException.class, outcomes::hasNext);
        }
    }

    @Test
    void aDeadlineOfOnePictureIsKept() throws Exception {
        try (var server = new FakeServer(FakeServer::answerAll); var client = client(server)) {
            // The fake server has no AnalyzeImage; a deadline that has passed is told before it is asked.
            var options = ImageOptions.STANDARD.withTimeout(Duration.ZERO);
            var late = assertThrows(RequestException.class, () -> client.analyzeImage(Image.encoded(new byte[1]), options));
            assertEquals(FailureCode.EXPIRED, late.code());
            var older = assertThrows(UnavailableException.class, () -> client.analyzeImage(Image.encoded(new byte[1])));
            assertTrue(older.getMessage().contains("an older one"));
        }
    }

    @Test
    void nobodyThereIsToldAfterTheConnectTimeout() {
        var options = ClientOptions.builder().address("http://127.0.0.1:9").connectTimeout(Duration.ofMillis(300)).unaryRetries(0).build();
        assertTrue(
            assertThrows(UnavailableException.class, () -> LoupeClient.connect(options))
                .getMessage()
                .contains("is it running")
        );
        try (var client = new LoupeClient(options)) {
            assertThrows(UnavailableException.class, client::openSession);
            assertThrows(UnavailableException.class, client::serverInfo);
            assertFalse(client.address().isEmpty());
        }
    }
}
