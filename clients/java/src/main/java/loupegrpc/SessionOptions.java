package loupegrpc;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import loupegrpc.v1.OpenSession;

/** What a session asks for; what it was given is in its {@link Session#grant}. Immutable; see {@link #builder()}. */
public final class SessionOptions {

    /** Every frame is answered, in order, and a broken connection is replaced: good for most. */
    public static final SessionOptions STANDARD = builder().build();

    private final OpenSession opening;
    final boolean reconnect;
    final boolean unordered;
    final int maxFramesInFlight;

    private SessionOptions(Builder builder) {
        var message = OpenSession.newBuilder()
            .setSessionName(builder.name)
            .setModel(builder.model)
            .setExplain(builder.explain)
            .setReceipts(builder.receipts)
            .setAdaptationSnapshot(builder.adaptationSnapshot)
            .setDeterministic(builder.deterministic)
            .setUnordered(builder.unordered)
            .setResumable(builder.reconnect);
        builder.economies.forEach(economy -> message.addEconomiesValue(economy.ordinal()));
        if (builder.frameFormat != null) {
            message.setFrameFormat(builder.frameFormat.message());
        }
        if (builder.delivery != null) {
            message.setDelivery(builder.delivery.message());
        }
        if (builder.masks != null) {
            message.setMask(builder.masks.message());
        }
        if (builder.tiles != null) {
            message.setTiles(builder.tiles.message());
        }
        if (builder.overTime != null) {
            message.setTemporal(builder.overTime.message());
        }
        if (builder.thresholds != null) {
            message.setThresholds(builder.thresholds.message());
        }
        if (builder.adaptation != null) {
            message.setAdaptation(builder.adaptation.message());
        }
        opening = message.build();
        reconnect = builder.reconnect;
        unordered = builder.unordered;
        maxFramesInFlight = builder.maxFramesInFlight;
    }

    OpenSession message(ClientOptions client) {
        return opening.toBuilder().setMaxResponseBytes(client.maxResponseBytes).setClient(client.clientName).build();
    }

    /**
     * As {@link #STANDARD}, unless something else is said.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Says what a session asks for; what is not said is as {@link SessionOptions#STANDARD} has it. Not safe for use by several threads. */
    public static final class Builder {

        private String name = "";
        private String model = "";
        private String explain = "";
        private boolean receipts;
        private FrameFormat frameFormat;
        private Delivery delivery;
        private Masks masks;
        private Tiles tiles;
        private OverTime overTime;
        private Thresholds thresholds;
        private Adaptation adaptation;
        private ByteString adaptationSnapshot = ByteString.EMPTY;
        private boolean reconnect = true;
        private boolean deterministic = false;
        private boolean unordered = false;
        private int maxFramesInFlight = 64;
        private List<Economy> economies = List.of();

        private Builder() {}

        /**
         * The caller's own name of the session, for logs and lists; balancers hash it.
         *
         * @param value at most 128 characters
         * @return this
         * @throws IllegalArgumentException where it is something else
         */
        public Builder name(String value) {
            Options.checkName("name", value);
            name = value;
            return this;
        }

        /**
         * Which of the server's models analyses the frames. Default: the server's first.
         *
         * @param value a name from {@link LoupeClient#serverInfo}'s models
         * @return this
         */
        public Builder model(String value) {
            model = Objects.requireNonNull(value, "model");
            return this;
        }

        /**
         * How the pixels of raw frames lie that do not say it themselves.
         *
         * @param value a format
         * @return this
         */
        public Builder frameFormat(FrameFormat value) {
            frameFormat = Objects.requireNonNull(value, "frameFormat");
            return this;
        }

        /**
         * Which frames are answered when they come too fast. Default: every one.
         *
         * @param value which
         * @return this
         */
        public Builder delivery(Delivery value) {
            delivery = Objects.requireNonNull(value, "delivery");
            return this;
        }

        /**
         * When and how masks are returned. Default: run lengths, when the verdict is not authentic.
         *
         * @param value when and how
         * @return this
         */
        public Builder masks(Masks value) {
            masks = Objects.requireNonNull(value, "masks");
            return this;
        }

        /**
         * Whether picture files are looked at in tiles. Default: they are looked at whole.
         *
         * @param value which pictures, and how many tiles
         * @return this
         */
        public Builder tiles(Tiles value) {
            tiles = Objects.requireNonNull(value, "tiles");
            return this;
        }

        /**
         * Judge frames over time too: {@link Analysis#overTime}, and the segments of the summary. Default: not.
         *
         * @param value how
         * @return this
         */
        public Builder overTime(OverTime value) {
            overTime = Objects.requireNonNull(value, "overTime");
            return this;
        }

        /**
         * The language of {@link Analysis#explanation}. Default: results have no sentences.
         *
         * @param value {@code en} or {@code zh}
         * @return this
         */
        public Builder explain(String value) {
            explain = Objects.requireNonNull(value, "explain");
            return this;
        }

        /**
         * Have the server sign a receipt for each result, {@link Analysis#receipt}, and for the session's end, that of its summary. Default: it does not.
         *
         * @param value whether it does
         * @return this
         */
        public Builder receipts(boolean value) {
            receipts = value;
            return this;
        }

        /**
         * Where a score becomes a verdict. Default: the server's.
         *
         * @param value thresholds
         * @return this
         */
        public Builder thresholds(Thresholds value) {
            thresholds = Objects.requireNonNull(value, "thresholds");
            return this;
        }

        /**
         * How the session learns from what it sees. Default: it does not.
         *
         * @param value how
         * @return this
         */
        public Builder adaptation(Adaptation value) {
            adaptation = Objects.requireNonNull(value, "adaptation");
            return this;
        }

        /**
         * A state to go on from. Default: the model's own.
         *
         * @param value the snapshot of {@link Session#snapshotAdaptation}, of the same model
         * @return this
         */
        public Builder adaptationSnapshot(ByteString value) {
            adaptationSnapshot = Objects.requireNonNull(value, "adaptationSnapshot");
            return this;
        }

        /**
         * When the connection breaks the session goes on with another one: no frame lost, none answered twice. Default: true.
         *
         * @param value false: the session ends with its connection
         * @return this
         */
        public Builder reconnect(boolean value) {
            reconnect = value;
            return this;
        }

        /**
         * Ask for bit-for-bit repeatable results. Default: false.
         *
         * @param value whether to
         * @return this
         */
        public Builder deterministic(boolean value) {
            deterministic = value;
            return this;
        }

        /**
         * Outcomes come as they are ready. Default: in the order of sending.
         *
         * @param value whether they may
         * @return this
         */
        public Builder unordered(boolean value) {
            unordered = value;
            return this;
        }

        /**
         * Frames sent whose outcomes were not yet received; the server's credits may bound them further. Default: 64.
         *
         * @param value 1 to 4,096
         * @return this
         * @throws IllegalArgumentException where it is something else
         */
        public Builder maxFramesInFlight(int value) {
            Options.check(value >= 1 && value <= 4096, "maxFramesInFlight is 1 to 4,096");
            maxFramesInFlight = value;
            return this;
        }

        /**
         * What of its frames' work the session would rather go without than lose frames, while it loses some. Default: nothing.
         *
         * @param value what
         * @return this
         */
        public Builder economies(Economy... value) {
            economies = Arrays.asList(value.clone());
            return this;
        }

        /**
         * What was said.
         *
         * @return options
         */
        public SessionOptions build() {
            return new SessionOptions(this);
        }
    }
}
