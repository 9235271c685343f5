package loupegrpc;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import loupegrpc.v1.AnalyzeImageRequest;
import loupegrpc.v1.ForgeryAnalysisServiceGrpc;
import loupegrpc.v1.GetServerInfoRequest;
import loupegrpc.v1.GetServerInfoResponse;

/** The connection to one LoupeGrpc server. Safe for use by several threads; meant to live as long as the program. */
public final class LoupeClient implements AutoCloseable {

    private final Channel channel;

    /**
     * A client, which connects with its first call.
     *
     * @param options how
     */
    public LoupeClient(ClientOptions options) {
        channel = new Channel(options);
    }

    /**
     * A client, which connects with its first call.
     *
     * @param address {@code http://HOST:PORT} (HTTP/2 without TLS) or {@code https://HOST:PORT}
     * @throws IllegalArgumentException where it is neither
     */
    public LoupeClient(String address) {
        this(ClientOptions.builder().address(address).build());
    }

    /**
     * A client whose server has answered; waits for it up to {@link ClientOptions.Builder#connectTimeout}.
     *
     * @param options how
     * @return a client
     * @throws InterruptedException where its thread is interrupted
     * @throws UnavailableException where the server did not answer
     */
    public static LoupeClient connect(ClientOptions options) throws InterruptedException {
        var client = new LoupeClient(options);
        boolean connected = false;
        try {
            var trace = client.channel.traceContext();
            client.channel.connect(() -> {
                var patience = Patience.of(Channel.ATTEMPT_TIMEOUT);
                try {
                    return client.info(trace, patience);
                } catch (CallException failed) {
                    throw patience.left() <= 0 ? CallException.silence() : failed;
                }
            });
            connected = true;
            return client;
        } finally {
            if (!connected) {
                client.close();
            }
        }
    }

    /**
     * The server's address, as messages show it.
     *
     * @return with its port
     */
    public String address() {
        return channel.shown();
    }

    /** Breaks the sessions that are still open. */
    @Override
    public void close() {
        channel.close();
    }

    /**
     * What is served, by what, and within which limits.
     *
     * @return as it came
     * @throws InterruptedException where its thread is interrupted
     * @throws UnavailableException where there is no server
     */
    public GetServerInfoResponse serverInfo() throws InterruptedException {
        var trace = channel.traceContext();
        return channel.call(Patience.FOREVER, () -> info(trace, Patience.FOREVER));
    }

    private GetServerInfoResponse info(Map<String, String> trace, Patience patience) throws CallException, InterruptedException {
        return channel.unary(ForgeryAnalysisServiceGrpc.getGetServerInfoMethod(), GetServerInfoRequest.getDefaultInstance(), trace, patience);
    }

    /**
     * Analyses one picture outside any session, as the server is set.
     *
     * @param image the picture
     * @return what was found
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server cannot; its code says why
     * @throws UnavailableException where there is no server
     * @throws java.io.UncheckedIOException where its file cannot be read
     */
    public Analysis analyzeImage(Image image) throws InterruptedException {
        return analyzeImage(image, ImageOptions.STANDARD);
    }

    /**
     * Analyses one picture outside any session.
     *
     * @param image the picture
     * @param options how
     * @return what was found
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server cannot; its code says why, EXPIRED where it did not within the timeout
     * @throws UnavailableException where there is no server
     * @throws java.io.UncheckedIOException where its file cannot be read
     */
    public Analysis analyzeImage(Image image, ImageOptions options) throws InterruptedException {
        var picture = Picture.read(image);
        var request = AnalyzeImageRequest.newBuilder().setModel(options.model()).setExplain(options.explain()).setReceipt(options.receipt());
        options.thresholds().ifPresent(thresholds -> request.setThresholds(thresholds.message()));
        options.masks().ifPresent(masks -> request.setMask(masks.message()));
        options.tiles().ifPresent(tiles -> request.setTiles(tiles.message()));
        var message = (picture.raw() == null ? request.setEncoded(picture.encoded()) : request.setRaw(picture.raw())).build();
        var trace = channel.traceContext();
        var patience = options.timeout().map(Patience::of).orElse(Patience.FOREVER);
        var answer = channel.call(patience, () -> channel.unary(ForgeryAnalysisServiceGrpc.getAnalyzeImageMethod(), message, trace, patience));
        if (!answer.hasResult()) {
            throw new UnavailableException("the server at " + address() + " answered without a result", null);
        }
        return new Analysis(answer.getResult());
    }

    /**
     * Opens a session as most want it: {@link SessionOptions#STANDARD}.
     *
     * @return a session, to be closed
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server refuses it
     * @throws UnavailableException where there is no server
     */
    public Session openSession() throws InterruptedException {
        return openSession(SessionOptions.STANDARD);
    }

    /**
     * Opens a session; tried again up to {@link ClientOptions.Builder#connectTimeout} while the server cannot be reached. The session lives as long as the
     * current {@link io.grpc.Context}: once that is cancelled or past its deadline, it is as after {@link Session#close}.
     *
     * @param options what it asks for
     * @return a session, to be closed
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server refuses it
     * @throws UnavailableException where there is no server
     */
    public Session openSession(SessionOptions options) throws InterruptedException {
        return Session.open(channel, options);
    }

    /**
     * Analyses frames in a session as most want it.
     *
     * @param frames the frames
     * @return their outcomes, to be closed
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server refuses the session
     * @throws UnavailableException where there is no server
     */
    public Analyses analyze(Iterable<Frame> frames) throws InterruptedException {
        return analyze(frames.iterator(), SessionOptions.STANDARD);
    }

    /**
     * Analyses frames in a session of their own, until there are no more: another thread sends as many as the server lets it while this one takes the outcomes.
     *
     * @param frames asked by that thread
     * @param options what the session asks for
     * @return their outcomes, to be closed
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server refuses the session
     * @throws UnavailableException where there is no server
     */
    public Analyses analyze(Iterator<Frame> frames, SessionOptions options) throws InterruptedException {
        return new Analyses(openSession(options), frames);
    }

    /**
     * Reads PEM files for {@link ClientOptions.Builder#tls}.
     *
     * @param ca whose certificates are trusted
     * @return credentials
     * @throws IOException where the file cannot be read
     * @throws IllegalArgumentException where it has no certificate
     */
    public static ChannelCredentials loadTls(Path ca) throws IOException {
        return TlsChannelCredentials.newBuilder().trustManager(Pem.trust(ca)).build();
    }

    /**
     * Reads PEM files for {@link ClientOptions.Builder#tls}, where the server asks for a certificate too.
     *
     * @param ca whose certificates are trusted; null: those that Java trusts
     * @param certificate the client's own chain
     * @param privateKey its key, PKCS #8
     * @return credentials
     * @throws IOException where a file cannot be read
     * @throws IllegalArgumentException where they are not what they should be, or do not go together
     */
    public static ChannelCredentials loadTls(Path ca, Path certificate, Path privateKey) throws IOException {
        var builder = TlsChannelCredentials.newBuilder().keyManager(Pem.identity(certificate, privateKey));
        return (ca == null ? builder : builder.trustManager(Pem.trust(ca))).build();
    }
}
