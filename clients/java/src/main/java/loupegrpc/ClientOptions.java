package loupegrpc;

import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannelBuilder;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** How a client reaches its server. Immutable; see {@link #builder()}. */
public final class ClientOptions {

    /** Where {@code loupe-grpc-server} listens unless told otherwise. */
    public static final String DEFAULT_ADDRESS = "http://127.0.0.1:5005";

    /** The version of this library. */
    public static final String VERSION = "0.2.0";

    final ChannelCredentials tls;
    final String key;
    final Map<String, String> headers;
    final Supplier<Map<String, String>> callHeaders;
    final Supplier<Map<String, String>> traceContext;
    final Duration connectTimeout;
    final int unaryRetries;
    final Duration keepAlive;
    final int maxResponseBytes;
    final String clientName;
    final System.Logger logger;
    final List<ClientInterceptor> interceptors;
    final Consumer<ManagedChannelBuilder<?>> channel;
    final boolean secure;
    /** What gRPC calls the address. */
    final String target;
    /** The address as messages show it: without a path, and without credentials. */
    final String shown;

    private ClientOptions(Builder builder) {
        tls = builder.tls;
        key = builder.key;
        headers = builder.headers;
        callHeaders = builder.callHeaders;
        traceContext = builder.traceContext;
        connectTimeout = builder.connectTimeout;
        unaryRetries = builder.unaryRetries;
        keepAlive = builder.keepAlive;
        maxResponseBytes = builder.maxResponseBytes;
        clientName = builder.clientName;
        logger = builder.logger;
        interceptors = builder.interceptors;
        channel = builder.channel;
        var address = parse(builder.address);
        secure = address.getScheme().equals("https");
        Options.check(tls == null || secure, "tls goes with an https:// address");
        int port = address.getPort() >= 0 ? address.getPort() : secure ? 443 : 80;
        target = "dns:///" + address.getHost() + ":" + port;
        shown = address.getScheme() + "://" + address.getHost() + ":" + port;
    }

    private static URI parse(String address) {
        var problem = "address is " + address + ": it must be http://HOST:PORT or https://HOST:PORT";
        Options.check(!address.startsWith("unix:"), problem + ", for gRPC's Java has no Unix sockets of its own");
        try {
            var parsed = new URI(address);
            Options.check(("http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme())) && parsed.getHost() != null, problem);
            return parsed;
        } catch (URISyntaxException broken) {
            throw new IllegalArgumentException(problem, broken);
        }
    }

    /**
     * A server on this machine, unless something else is said.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Says how a client reaches its server; what is not said is as it is for most. Not safe for use by several threads. */
    public static final class Builder {

        private String address = DEFAULT_ADDRESS;
        private ChannelCredentials tls;
        private String key = "";
        private Map<String, String> headers = Map.of();
        private Supplier<Map<String, String>> callHeaders = Map::of;
        private Supplier<Map<String, String>> traceContext = Map::of;
        private Duration connectTimeout = Duration.ofSeconds(10);
        private int unaryRetries = 3;
        private Duration keepAlive = Duration.ofSeconds(20);
        private int maxResponseBytes = 16 << 20;
        private String clientName = "loupe-grpc-java/" + VERSION;
        private System.Logger logger = System.getLogger("loupegrpc");
        private List<ClientInterceptor> interceptors = List.of();
        private Consumer<ManagedChannelBuilder<?>> channel = builder -> {};

        private Builder() {}

        /**
         * Where the server is.
         *
         * @param value {@code http://HOST:PORT} (HTTP/2 without TLS) or {@code https://HOST:PORT}
         * @return this
         */
        public Builder address(String value) {
            address = Objects.requireNonNull(value, "address");
            return this;
        }

        /**
         * With {@code https://}: whose certificates are trusted, and the client's own. Default: what Java trusts.
         *
         * @param value see {@link LoupeClient#loadTls}
         * @return this
         */
        public Builder tls(ChannelCredentials value) {
            tls = Objects.requireNonNull(value, "tls");
            return this;
        }

        /**
         * Sent as {@code authorization: Bearer KEY}.
         *
         * @param value empty: none
         * @return this
         */
        public Builder key(String value) {
            key = Objects.requireNonNull(value, "key");
            return this;
        }

        /**
         * Further request headers of every call.
         *
         * @param value names and values, in ASCII
         * @return this
         */
        public Builder headers(Map<String, String> value) {
            headers = Map.copyOf(value);
            return this;
        }

        /**
         * Asked before every call, and every connection of a session, for headers of its own, such as a token that changes. By whichever thread makes it.
         *
         * @param value asked by several threads
         * @return this
         */
        public Builder callHeaders(Supplier<Map<String, String>> value) {
            callHeaders = Objects.requireNonNull(value, "callHeaders");
            return this;
        }

        /**
         * Asked for {@code traceparent} and {@code tracestate} by the thread that makes a call or opens a session; they go along on every connection of that
         * session. With OpenTelemetry:
         *
         * <pre>{@code
         * .traceContext(() -> {
         *     var carrier = new HashMap<String, String>();
         *     GlobalOpenTelemetry.getPropagators().getTextMapPropagator().inject(Context.current(), carrier, Map::put);
         *     return carrier;
         * })
         * }</pre>
         *
         * @param value asked by several threads
         * @return this
         */
        public Builder traceContext(Supplier<Map<String, String>> value) {
            traceContext = Objects.requireNonNull(value, "traceContext");
            return this;
        }

        /**
         * How long connecting and opening a session are tried again while the server cannot be reached. Default: 10 s.
         *
         * @param value zero: one try
         * @return this
         */
        public Builder connectTimeout(Duration value) {
            Options.check(!value.isNegative(), "connectTimeout is 0 or more");
            connectTimeout = value;
            return this;
        }

        /**
         * How often a call outside sessions is tried again after UNAVAILABLE. Default: 3.
         *
         * @param value 0: never
         * @return this
         */
        public Builder unaryRetries(int value) {
            Options.check(value >= 0, "unaryRetries is 0 or more");
            unaryRetries = value;
            return this;
        }

        /**
         * The time between HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost. Default: 20 s.
         *
         * @param value 10 s or more
         * @return this
         */
        public Builder keepAlive(Duration value) {
            Options.check(value.compareTo(Duration.ofSeconds(10)) >= 0, "keepAlive is 10 s or more");
            keepAlive = value;
            return this;
        }

        /**
         * Bounds masks. Default: 16 MiB.
         *
         * @param value 65,536 or more
         * @return this
         */
        public Builder maxResponseBytes(int value) {
            Options.check(value >= 65_536, "maxResponseBytes is 65,536 or more");
            maxResponseBytes = value;
            return this;
        }

        /**
         * The program and version that the server logs.
         *
         * @param value at most 128 characters
         * @return this
         */
        public Builder clientName(String value) {
            Options.checkName("clientName", value);
            clientName = value;
            return this;
        }

        /**
         * Told what happens to sessions: INFO, or WARNING where a connection broke, with the session's identifier and name as parameters. Default: the
         * system's logger {@code loupegrpc}.
         *
         * @param value used by several threads
         * @return this
         */
        public Builder logger(System.Logger value) {
            logger = Objects.requireNonNull(value, "logger");
            return this;
        }

        /**
         * gRPC's own interceptors, OpenTelemetry's for example. A session's later connections are made by another thread, in the {@link io.grpc.Context} of its
         * opening.
         *
         * @param value the last of them is the first to see a call
         * @return this
         */
        public Builder interceptors(ClientInterceptor... value) {
            interceptors = List.of(value);
            return this;
        }

        /**
         * Changes what this library sets of gRPC's channel: executors, name resolution, load balancing.
         *
         * @param value called once, by the constructor of the client
         * @return this
         */
        public Builder channel(Consumer<ManagedChannelBuilder<?>> value) {
            channel = Objects.requireNonNull(value, "channel");
            return this;
        }

        /**
         * What was said.
         *
         * @return options
         * @throws IllegalArgumentException where it makes no sense
         */
        public ClientOptions build() {
            return new ClientOptions(this);
        }
    }
}
