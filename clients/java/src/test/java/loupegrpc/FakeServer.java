package loupegrpc;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import loupegrpc.v1.AnalyzeRequest;
import loupegrpc.v1.AnalyzeResponse;
import loupegrpc.v1.ForgeryAnalysisServiceGrpc;
import loupegrpc.v1.FrameOutcome;
import loupegrpc.v1.FrameResult;
import loupegrpc.v1.GetServerInfoRequest;
import loupegrpc.v1.GetServerInfoResponse;
import loupegrpc.v1.Limits;
import loupegrpc.v1.SessionGrant;
import loupegrpc.v1.SessionSummary;

/** Plays the n-th script on the n-th call, and the last on all that follow. */
final class FakeServer extends ForgeryAnalysisServiceGrpc.ForgeryAnalysisServiceImplBase implements ServerInterceptor, AutoCloseable {

    static final ByteString TOKEN = ByteString.copyFromUtf8("t".repeat(32));

    /** Plays one call of Analyze; what it throws is the call's end. */
    interface Script {
        void play(Call call) throws StatusException, InterruptedException;
    }

    /** One call of Analyze, as its script sees it. */
    static final class Call {

        /** Empty: no more come. */
        private final BlockingQueue<Optional<AnalyzeRequest>> requests = new LinkedBlockingQueue<>();
        private final StreamObserver<AnalyzeResponse> responses;
        private final Context context = Context.current();

        private Call(StreamObserver<AnalyzeResponse> responses) {
            this.responses = responses;
        }

        /** The next request; empty once no more come, or the client has gone. */
        Optional<AnalyzeRequest> receive() throws InterruptedException {
            return requests.take();
        }

        void send(AnalyzeResponse response) {
            if (!context.isCancelled()) {
                responses.onNext(response);
            }
        }
    }

    /** The headers of all calls so far. */
    final List<Metadata> headers = Collections.synchronizedList(new ArrayList<>());
    private final Script[] scripts;
    private final Server server;
    private final String scheme;
    private int calls;

    FakeServer(Script... scripts) throws IOException {
        this(InsecureServerCredentials.create(), "http", scripts);
    }

    FakeServer(ServerCredentials credentials, String scheme, Script... scripts) throws IOException {
        this.scripts = scripts;
        this.scheme = scheme;
        server = Grpc.newServerBuilderForPort(0, credentials).addService(this).intercept(this).build().start();
    }

    String address() {
        return scheme + "://127.0.0.1:" + ((InetSocketAddress) server.getListenSockets().get(0)).getPort();
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata sent, ServerCallHandler<Q, A> next) {
        headers.add(sent);
        return Contexts.interceptCall(Context.current(), call, sent, next);
    }

    @Override
    public void getServerInfo(GetServerInfoRequest request, StreamObserver<GetServerInfoResponse> response) {
        response.onNext(GetServerInfoResponse.newBuilder().setServer("fake").build());
        response.onCompleted();
    }

    @Override
    public StreamObserver<AnalyzeRequest> analyze(StreamObserver<AnalyzeResponse> responses) {
        Script script;
        synchronized (this) {
            script = scripts[Math.min(calls++, scripts.length - 1)];
        }
        var call = new Call(responses);
        var player = new Thread(() -> {
            try {
                script.play(call);
                responses.onCompleted();
            } catch (StatusException end) {
                responses.onError(end);
            } catch (InterruptedException | RuntimeException problem) {
                responses.onError(Status.INTERNAL.withDescription(problem.toString()).asException());
            }
        });
        player.setDaemon(true);
        player.start();
        return new StreamObserver<>() {
            @Override
            public void onNext(AnalyzeRequest request) {
                call.requests.add(Optional.of(request));
            }

            @Override
            public void onError(Throwable gone) {
                call.requests.add(Optional.empty());
            }

            @Override
            public void onCompleted() {
                call.requests.add(Optional.empty());
            }
        };
    }

    /** Of four credits. */
    static AnalyzeResponse granted(SessionGrant.Builder grant) {
        return AnalyzeResponse.newBuilder()
            .setGranted(grant.setSessionId("fake").setLimits(Limits.newBuilder().setCredits(4)))
            .build();
    }

    static AnalyzeResponse granted() {
        return granted(SessionGrant.newBuilder());
    }

    static AnalyzeResponse resumable() {
        return granted(SessionGrant.newBuilder().setResumeToken(TOKEN));
    }

    static AnalyzeResponse resumed(long nextSequence) {
        return granted(SessionGrant.newBuilder().setResumeToken(TOKEN).setResumed(true).setNextSequence(nextSequence));
    }

    static AnalyzeResponse result(long sequence) {
        return AnalyzeResponse.newBuilder()
            .setOutcome(FrameOutcome.newBuilder().setSequence(sequence).setResult(FrameResult.newBuilder().setScore(0.5f)))
            .build();
    }

    static AnalyzeResponse summary(long frames) {
        return AnalyzeResponse.newBuilder().setSummary(SessionSummary.newBuilder().setFrames(frames)).build();
    }

    static StatusException gone() {
        return Status.UNAVAILABLE.withDescription("gone").asException();
    }

    /** Grants, answers every frame, and gives the summary. */
    static void answerAll(Call call) throws InterruptedException {
        call.receive();
        call.send(granted());
        answerRest(call);
    }

    static void answerRest(Call call) throws InterruptedException {
        long sequence = 0;
        while (call.receive().isPresent()) {
            call.send(result(sequence++));
        }
        call.send(summary(sequence));
    }
}
