import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import loupegrpc.Adaptation;
import loupegrpc.Analysis;
import loupegrpc.ClientOptions;
import loupegrpc.ConnectionLostException;
import loupegrpc.Delivery;
import loupegrpc.DeliveryMode;
import loupegrpc.Event;
import loupegrpc.Frame;
import loupegrpc.FrameFormat;
import loupegrpc.Image;
import loupegrpc.ImageOptions;
import loupegrpc.LoupeClient;
import loupegrpc.LoupeException;
import loupegrpc.Mask;
import loupegrpc.MaskPolicy;
import loupegrpc.Masks;
import loupegrpc.Outcome;
import loupegrpc.PixelFormat;
import loupegrpc.RequestException;
import loupegrpc.Session;
import loupegrpc.SessionOptions;
import loupegrpc.Thresholds;
import loupegrpc.UnavailableException;
import loupegrpc.v1.AdaptationState;
import loupegrpc.v1.ControlReply;
import loupegrpc.v1.SessionGrant;
import loupegrpc.v1.SessionSummary;

/** The scenario, played by the Java client: {@code Scenario SCRIPT ADDRESS CONTROL ROOT}, or {@code Scenario --speed ADDRESS KIND COUNT}. */
final class Scenario {

    /** For one step. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final LoupeClient client;
    private final String control;
    private final Path root;
    private Session session;
    private com.google.protobuf.ByteString snapshot;

    private Scenario(LoupeClient client, String control, Path root) {
        this.client = client;
        this.control = control;
        this.root = root;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 4) {
            System.err.println("usage: Scenario SCRIPT ADDRESS CONTROL ROOT, or Scenario --speed ADDRESS KIND COUNT");
            System.exit(1);
        }
        if (arguments[0].equals("--speed")) {
            speed(arguments[1], arguments[2], Integer.parseInt(arguments[3]));
            return;
        }
        var script = JsonParser.parseString(Files.readString(Path.of(arguments[0]))).getAsJsonObject();
        try (var client = new LoupeClient(ClientOptions.builder().address(arguments[1]).clientName("scenario").build())) {
            var player = new Scenario(client, arguments[2], Path.of(arguments[3]));
            for (var part : script.getAsJsonArray("parts")) {
                write(line("part", Map.of("name", part.getAsJsonObject().get("name").getAsString())));
                for (var step : part.getAsJsonObject().getAsJsonArray("steps")) {
                    var only = step.getAsJsonObject().entrySet().iterator().next();
                    var value = only.getValue();
                    player.step(
                        only.getKey(),
                        value.isJsonObject() ? value.getAsJsonObject() : new JsonObject(),
                        value.isJsonPrimitive() ? value.getAsString() : ""
                    );
                }
            }
            player.close();
        }
    }

    private static Map<String, Object> line(String step, Map<String, ?> more) {
        var line = new TreeMap<String, Object>(more);
        line.put("step", step);
        return line;
    }

    private static void write(Map<String, Object> line) {
        OUT.print(JSON.toJson(line) + "\n");
        OUT.flush();
    }

    /** Plays one; what the script expects to go wrong becomes a line. */
    private void step(String kind, JsonObject asked, String value) throws Exception {
        String code;
        try {
            play(kind, asked, value);
            return;
        } catch (RequestException refused) {
            code = refused.code().name();
        } catch (ConnectionLostException lost) {
            code = "CONNECTION_LOST";
        } catch (UnavailableException none) {
            code = "UNAVAILABLE";
        } catch (IllegalStateException completing) {
            code = "COMPLETED";
        }
        write(line(kind, Map.of("error", code)));
    }

    private void play(String kind, JsonObject asked, String value) throws Exception {
        switch (kind) {
            case "open" -> {
                close();
                session = client.openSession(options(asked));
                write(ofGrant(session.grant()));
            }
            case "analyze" -> {
                var options = ImageOptions.STANDARD.withTimeout(PATIENCE);
                options = asked.has("thresholds") ? options.withThresholds(thresholds(asked.getAsJsonObject("thresholds"))) : options;
                options = asked.has("mask") ? options.withMasks(masks(asked)) : options;
                var analysis = client.analyzeImage(image(asked), options);
                write(ofAnalysis(line("analyze", Map.of("model", client.serverInfo().getModel().getName())), analysis));
            }
            case "send" -> {
                var frame = Frame.of(image(asked)).withId(Long.parseUnsignedLong(asked.get("id").getAsString()));
                session.send(asked.has("deadline_us") ? frame.withDeadline(microseconds(asked, "deadline_us")) : frame, PATIENCE);
            }
            case "read" -> {
                for (int left = Integer.parseInt(value); left > 0; left--) {
                    var outcome = session.receive(PATIENCE);
                    // No fault of a session is what the script expects here.
                    write(ofOutcome(outcome.orElseThrow(() -> new AssertionError("the session ended with outcomes to come: " + session.fault()))));
                }
            }
            case "control" -> {
                var reply = sendControl(asked);
                snapshot = reply.getSnapshot().isEmpty() ? snapshot : reply.getSnapshot();
                write(ofReply(asked.get("kind").getAsString(), reply));
            }
            case "proxy" -> send(value);
            case "takeover" -> send("takeover " + HexFormat.of().formatHex(session.grant().getResumeToken().toByteArray()));
            case "resumed" -> {
                for (var event = session.nextEvent(PATIENCE); event.isPresent() && !(event.get() instanceof Event.Resumed); ) {
                    event = session.nextEvent(PATIENCE);
                }
                write(line("resumed", Map.of("lost", session.fault().isPresent())));
            }
            case "fault" -> {
                for (var outcome = session.receive(PATIENCE); outcome.isPresent(); outcome = session.receive(PATIENCE)) {
                    write(ofOutcome(outcome.get()));
                }
                write(
                    line(
                        "fault",
                        Map.of(
                            "lost",
                            session
                                .fault()
                                .filter(fault -> fault instanceof ConnectionLostException)
                                .isPresent()
                        )
                    )
                );
            }
            case "complete" -> write(ofSummary(session.complete(PATIENCE)));
            case "close" -> close();
            default -> throw new AssertionError("the script has a step " + kind + " that this player does not know");
        }
    }

    private void close() {
        if (session != null) {
            session.close();
            session = null;
        }
    }

    private SessionOptions options(JsonObject asked) {
        var options = SessionOptions.builder();
        if (asked.has("name")) {
            options.name(asked.get("name").getAsString());
        }
        if (asked.has("format")) {
            options.frameFormat(format(asked.getAsJsonObject("format")));
        }
        if (asked.has("delivery")) {
            var delivery = asked.getAsJsonObject("delivery");
            options.delivery(
                delivery.has("staleness_us")
                    ? Delivery.within(microseconds(delivery, "staleness_us"))
                    : new Delivery(DeliveryMode.valueOf(delivery.get("mode").getAsString()), java.util.Optional.empty())
            );
        }
        if (asked.has("mask")) {
            options.masks(masks(asked));
        }
        if (asked.has("thresholds")) {
            options.thresholds(thresholds(asked.getAsJsonObject("thresholds")));
        }
        if (asked.has("adaptation")) {
            options.adaptation(adaptation(asked.getAsJsonObject("adaptation")));
        }
        if (asked.has("snapshot")) {
            options.adaptationSnapshot(snapshot);
        }
        return options.deterministic(asked.has("deterministic")).build();
    }

    private ControlReply sendControl(JsonObject asked) throws InterruptedException {
        return switch (asked.get("kind").getAsString()) {
            case "set_thresholds" -> session.setThresholds(thresholds(asked));
            case "set_mask" -> session.setMasks(masks(asked));
            case "flush" -> session.flush();
            case "set_adaptation" -> session.setAdaptation(adaptation(asked));
            case "freeze_adaptation" -> session.freezeAdaptation();
            case "resume_adaptation" -> session.resumeAdaptation();
            case "reset_adaptation" -> session.resetAdaptation();
            case "rollback_adaptation" -> asked.has("to_step")
                ? session.rollbackAdaptationTo(asked.get("to_step").getAsLong())
                : session.rollbackAdaptation();
            case "snapshot_adaptation" -> session.snapshotAdaptation();
            default -> throw new AssertionError("the script has a control " + asked.get("kind") + " that this player does not know");
        };
    }

    private Image image(JsonObject asked) throws IOException {
        if (asked.has("raw")) {
            var raw = asked.getAsJsonObject("raw");
            var pixels = new byte[raw.get("bytes").getAsInt()];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = (byte) (i * 31 + (i / 97) * 17);
            }
            return raw.has("format") ? Image.raw(pixels, format(raw)) : Image.raw(pixels);
        }
        if (asked.has("text")) {
            return Image.encoded(asked.get("text").getAsString().getBytes(StandardCharsets.UTF_8));
        }
        if (asked.has("zeros")) {
            return Image.encoded(new byte[asked.get("zeros").getAsInt()]);
        }
        var path = root.resolve(asked.get("file").getAsString());
        return asked.has("first") ? Image.encoded(Arrays.copyOf(Files.readAllBytes(path), asked.get("first").getAsInt())) : Image.file(path);
    }

    private void send(String command) throws IOException {
        int colon = control.lastIndexOf(':');
        try (var connection = new Socket(control.substring(0, colon), Integer.parseInt(control.substring(colon + 1)))) {
            connection.getOutputStream().write((command + "\n").getBytes(StandardCharsets.UTF_8));
            var answer = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8)).readLine();
            if (!"ok".equals(answer)) {
                throw new AssertionError("the proxy answered " + command + " with " + answer);
            }
        }
    }

    private static Duration microseconds(JsonObject of, String name) {
        return Duration.ofNanos(of.get(name).getAsLong() * 1000);
    }

    private static FrameFormat format(JsonObject asked) {
        var format = FrameFormat.of(
            PixelFormat.valueOf(asked.get("format").getAsString()),
            asked.get("width").getAsInt(),
            asked.get("height").getAsInt()
        );
        return asked.has("strides") ? format.withStrides(JSON.fromJson(asked.get("strides"), int[].class)) : format;
    }

    private static Thresholds thresholds(JsonObject asked) {
        return new Thresholds(number(asked, "low"), number(asked, "high"));
    }

    private static OptionalDouble number(JsonObject asked, String name) {
        return asked.has(name) ? OptionalDouble.of(asked.get(name).getAsDouble()) : OptionalDouble.empty();
    }

    private static Adaptation adaptation(JsonObject asked) {
        var adaptation = Adaptation.STANDARD.withMinConfidence(number(asked, "min_confidence").orElse(0));
        return asked.has("steps_per_frame") ? adaptation.withStepsPerFrame(asked.get("steps_per_frame").getAsInt()) : adaptation;
    }

    private static Masks masks(JsonObject asked) {
        return Masks.of(MaskPolicy.valueOf(asked.get("mask").getAsString()));
    }

    private static List<String> ofThresholds(float low, float high) {
        return List.of(String.format(Locale.ROOT, "%.4f", low), String.format(Locale.ROOT, "%.4f", high));
    }

    private static void putState(Map<String, Object> line, boolean there, AdaptationState state) {
        if (there) {
            line.put(
                "adaptation",
                new TreeMap<>(
                    Map.of("step", state.getStep(), "hash", HexFormat.of().formatHex(state.getHash().toByteArray()), "frozen", state.getFrozen())
                )
            );
        }
    }

    /** An enum's name without the prefix of its type. */
    private static String name(com.google.protobuf.ProtocolMessageEnum value, String prefix) {
        return value.toString().equals("UNRECOGNIZED") ? "UNSPECIFIED" : value.getValueDescriptor().getName().substring(prefix.length());
    }

    private static Map<String, Object> ofGrant(SessionGrant grant) {
        var line = line(
            "open",
            Map.of(
                "model",
                grant.getModel().getName(),
                "demonstration",
                grant.getModel().getDemonstration(),
                "thresholds",
                ofThresholds(grant.getThresholds().getLow(), grant.getThresholds().getHigh()),
                "mask",
                List.of(name(grant.getMask().getPolicy(), "MASK_POLICY_"), name(grant.getMask().getEncoding(), "MASK_ENCODING_")),
                "delivery",
                name(grant.getDelivery().getMode(), "DELIVERY_MODE_"),
                "credits",
                grant.getLimits().getCredits(),
                "unavailable",
                grant
                    .getUnavailableList()
                    .stream()
                    .map(part -> part.getFeature())
                    .toList()
            )
        );
        putState(line, grant.hasAdaptation(), grant.getAdaptation());
        return line;
    }

    private static Map<String, Object> ofMask(Mask mask) {
        var bitmap = mask.bitmap();
        if (!bitmap.toRle().equals(mask.rle())) {
            throw new AssertionError("a mask that was decoded and encoded is another");
        }
        int area = 0;
        for (byte pixel : bitmap.pixels()) {
            area += pixel;
        }
        var box = mask.box();
        try {
            return new TreeMap<>(
                Map.of(
                    "area",
                    area,
                    "area_holds",
                    area == mask.area() && area == mask.rle().area(),
                    "box",
                    List.of(box.x(), box.y(), box.width(), box.height()),
                    "pixels",
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bitmap.pixels()))
                )
            );
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static Map<String, Object> ofAnalysis(Map<String, Object> line, Analysis analysis) {
        line.put("score", String.format(Locale.ROOT, "%.6f", analysis.score()));
        line.put("verdict", analysis.verdict());
        line.put("used", ofThresholds(analysis.low(), analysis.high()));
        line.put("size", List.of(analysis.width(), analysis.height()));
        line.put("sha256", analysis.sha256());
        line.put("notes", analysis.noteCodes());
        line.put("orientation", analysis.orientation());
        line.put("agreement", analysis.maskAgreement());
        analysis.mask().ifPresentOrElse(mask -> line.put("mask", ofMask(mask)), () -> line.put("omission", analysis.maskOmission()));
        putState(line, analysis.adaptation().isPresent(), analysis.message().getAdaptation());
        return line;
    }

    private static Map<String, Object> ofOutcome(Outcome outcome) {
        var frame = outcome.frame();
        var line = line("outcome", Map.of("frame_id", Long.toUnsignedString(frame.id()), "index", frame.index()));
        line.put("sequence", frame.sequence() < 0 ? null : (Object) frame.sequence());
        line.put("outcome", outcome.getClass().getSimpleName().toUpperCase(Locale.ROOT));
        if (outcome instanceof Outcome.Result result) {
            ofAnalysis(line, result.analysis());
        } else if (outcome instanceof Outcome.Dropped dropped) {
            line.put("reason", dropped.reason());
        } else if (outcome instanceof Outcome.Failed failed) {
            line.put("code", failed.code());
            line.put("message", failed.message());
        }
        return line;
    }

    private static Map<String, Object> ofReply(String kind, ControlReply reply) {
        var line = line(
            "control",
            Map.of("control", kind, "thresholds", ofThresholds(reply.getThresholds().getLow(), reply.getThresholds().getHigh()))
        );
        if (!reply.getSnapshot().isEmpty()) {
            line.put("snapshot", reply.getSnapshot().size());
        }
        putState(line, reply.hasAdaptation(), reply.getAdaptation());
        return line;
    }

    private static Map<String, Object> ofSummary(SessionSummary summary) {
        var reasons = new TreeMap<String, Long>();
        summary.getReasonsList().forEach(reason -> reasons.put(reason.getReason(), reason.getCount()));
        var verdicts = new TreeMap<String, Long>();
        summary.getVerdictsList().forEach(verdict -> verdicts.put(name(verdict.getVerdict(), "VERDICT_"), verdict.getCount()));
        var line = line(
            "summary",
            Map.of(
                "frames",
                summary.getFrames(),
                "results",
                summary.getResults(),
                "dropped",
                summary.getDropped(),
                "expired",
                summary.getExpired(),
                "failed",
                summary.getFailed(),
                "reasons",
                reasons,
                "verdicts",
                verdicts,
                "timeline",
                summary
                    .getTimelineList()
                    .stream()
                    .map(run -> List.of(run.getFirstSequence(), run.getLastSequence()))
                    .toList()
            )
        );
        putState(line, summary.hasAdaptation(), summary.getAdaptation());
        return line;
    }

    /** Prints frames a second of one stream, and the client's own processor time for each. Kind `nv12`: raw pixels of 1920x1080; else a picture file. */
    private static void speed(String address, String kind, int count) throws IOException, InterruptedException {
        var image = kind.equals("nv12")
            ? Image.raw(new byte[(1920 * 1080 * 3) / 2], FrameFormat.of(PixelFormat.NV12, 1920, 1080))
            : Image.encoded(Files.readAllBytes(Path.of(kind)));
        try (var client = LoupeClient.connect(ClientOptions.builder().address(address).build())) {
            stream(client, image, 10);
            long started = System.nanoTime();
            long before = processorTime();
            stream(client, image, count);
            double seconds = (System.nanoTime() - started) / 1e9;
            double processor = (processorTime() - before) / 1e6;
            write(
                new TreeMap<>(
                    Map.of(
                        "frames_per_second",
                        Math.round((count / seconds) * 10) / 10.0,
                        "cpu_ms_per_frame",
                        Math.round((processor / count) * 100) / 100.0
                    )
                )
            );
        }
    }

    private static void stream(LoupeClient client, Image image, int count) throws InterruptedException {
        int results = 0;
        var options = SessionOptions.builder().masks(Masks.of(MaskPolicy.NEVER)).build();
        try (var outcomes = client.analyze(Collections.nCopies(count, Frame.of(image)).iterator(), options)) {
            for (var outcome : outcomes) {
                results += outcome instanceof Outcome.Result ? 1 : 0;
            }
        }
        if (results != count) {
            throw new AssertionError(results + " of " + count + " frames have a result");
        }
    }

    private static long processorTime() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }
}
