package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ProtocolMessageEnum;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import loupegrpc.v1.ForgeryAnalysisServiceGrpc;
import org.junit.jupiter.api.Test;

final class OptionsTest {

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        for (var address : List.of("127.0.0.1:5005", "ftp://host", "http://", "", "http://a b", "unix:/run/loupe.sock")) {
            var builder = ClientOptions.builder().address(address);
            assertTrue(
                assertThrows(IllegalArgumentException.class, builder::build)
                    .getMessage()
                    .startsWith("address is " + address)
            );
        }
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().tls(io.grpc.TlsChannelCredentials.create()).build());
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().maxResponseBytes(1));
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().keepAlive(Duration.ofSeconds(1)));
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().connectTimeout(Duration.ofSeconds(-1)));
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().unaryRetries(-1));
        assertThrows(IllegalArgumentException.class, () -> ClientOptions.builder().clientName("x".repeat(129)));
        for (int frames : new int[] { 0, -1, 4097 }) {
            assertThrows(IllegalArgumentException.class, () -> SessionOptions.builder().maxFramesInFlight(frames));
        }
        assertThrows(IllegalArgumentException.class, () -> SessionOptions.builder().name("é".repeat(129)));
        assertThrows(IllegalArgumentException.class, () -> SessionOptions.builder().name("half a pair: \ud83d"));
        assertThrows(IllegalArgumentException.class, () -> new Masks(MaskPolicy.ALWAYS, MaskEncoding.RLE, -1));
        assertThrows(IllegalArgumentException.class, () -> Tiles.of(TilePolicy.NATIVE, -1));
        assertThrows(IllegalArgumentException.class, () -> Tiles.ofEachFrame(TilePolicy.NATIVE, -1));
        assertThrows(IllegalArgumentException.class, () -> new Tiles(TilePolicy.NATIVE, 1, Duration.ZERO, 1, -1));
        assertThrows(IllegalArgumentException.class, () -> new Tiles(TilePolicy.NATIVE, 1, Duration.ofDays(50)));
        assertThrows(IllegalArgumentException.class, () -> Adaptation.STANDARD.withEveryNth(-1));
    }

    @Test
    void addressesAreWhatGrpcTakes() {
        var expected = Map.of(
            ClientOptions.DEFAULT_ADDRESS,
            "dns:///127.0.0.1:5005",
            "http://[::1]:5005",
            "dns:///[::1]:5005",
            "https://host",
            "dns:///host:443",
            "http://user:secret@host/path",
            "dns:///host:80"
        );
        expected.forEach((address, target) -> assertEquals(target, ClientOptions.builder().address(address).build().target));
        assertEquals("http://host:80", ClientOptions.builder().address("http://user:secret@host/path").build().shown);
    }

    @Test
    void namesInHeadersAreAsOtherClientsWriteThem() {
        assertEquals("gate%204%2Fn%C3%A9e-_.!~*'()%2B", Channel.escape("gate 4/née-_.!~*'()+"));
    }

    @Test
    void aSessionAsksForAllThatIsSaid() {
        var opening = SessionOptions.builder()
            .name("gate")
            .model("huge")
            .explain("zh")
            .receipts(true)
            .frameFormat(FrameFormat.of(PixelFormat.GRAY8, 2, 2))
            .delivery(Delivery.within(Duration.ofMillis(50)))
            .masks(new Masks(MaskPolicy.NEVER, MaskEncoding.PNG, 7))
            .tiles(new Tiles(TilePolicy.AUTO, 3, Duration.ofMillis(20), 5, 7))
            .overTime(new OverTime(Duration.ofMillis(1500), 9, 2))
            .thresholds(Thresholds.STANDARD.withHigh(0.75))
            .adaptation(
                Adaptation.STANDARD.withLearningRate(0.01)
                    .withStepsPerFrame(2)
                    .withMinConfidence(-1)
                    .withEveryNth(3)
                    .withDualVerdictEveryNth(4)
                    .withGuard(loupegrpc.v1.AdaptationGuard.getDefaultInstance())
            )
            .adaptationSnapshot(FakeServer.TOKEN)
            .reconnect(false)
            .deterministic(true)
            .unordered(true)
            .economies(Economy.NO_MASK)
            .build()
            .message(ClientOptions.builder().clientName("me").build());
        assertEquals("gate", opening.getSessionName());
        assertEquals("huge", opening.getModel());
        assertEquals("zh", opening.getExplain());
        assertTrue(opening.getReceipts());
        assertEquals(loupegrpc.v1.PixelFormat.PIXEL_FORMAT_GRAY8, opening.getFrameFormat().getPixelFormat());
        assertEquals(loupegrpc.v1.DeliveryMode.DELIVERY_MODE_STALENESS_BUDGET, opening.getDelivery().getMode());
        assertEquals(50_000_000, opening.getDelivery().getStalenessBudget().getNanos());
        assertEquals(loupegrpc.v1.MaskPolicy.MASK_POLICY_NEVER, opening.getMask().getPolicy());
        assertEquals(loupegrpc.v1.MaskEncoding.MASK_ENCODING_PNG, opening.getMask().getEncoding());
        assertEquals(7, opening.getMask().getMaxBytes());
        assertEquals(loupegrpc.v1.TilePolicy.TILE_POLICY_AUTO, opening.getTiles().getPolicy());
        assertEquals(3, opening.getTiles().getMaxTiles());
        assertEquals(20, opening.getTiles().getBudgetMs());
        assertEquals(5, opening.getTiles().getTilesPerFrame());
        assertEquals(7, opening.getTiles().getWindowFrames());
        var temporal = opening.getTemporal();
        assertTrue(temporal.getEnabled());
        assertEquals(List.of(9, 2, 500_000_000), List.of(temporal.getMaxFrames(), temporal.getMinFrames(), temporal.getWindow().getNanos()));
        assertTrue(opening.getThresholds().getDefaultLow());
        assertEquals(0.75f, opening.getThresholds().getHigh());
        var adaptation = opening.getAdaptation();
        assertTrue(adaptation.getEnabled() && adaptation.hasGuard());
        assertEquals(0.01, adaptation.getLearningRate());
        assertEquals(2, adaptation.getStepsPerFrame());
        assertEquals(-1f, adaptation.getMinConfidence());
        assertEquals(3, adaptation.getEveryNth());
        assertEquals(4, adaptation.getDualVerdictEveryNth());
        assertEquals(FakeServer.TOKEN, opening.getAdaptationSnapshot());
        assertTrue(!opening.getResumable() && opening.getDeterministic() && opening.getUnordered());
        assertEquals(List.of(loupegrpc.v1.Economy.ECONOMY_NO_MASK), opening.getEconomiesList());
        assertEquals("me", opening.getClient());
        assertEquals(16 << 20, opening.getMaxResponseBytes());
    }

    /** Every enum of the contract that has one of ours, which has the same names at the same numbers. */
    @Test
    void enumsAreThoseOfTheContract() throws ReflectiveOperationException {
        int compared = 0;
        for (var file : List.of(
            loupegrpc.v1.FrameOuterClass.getDescriptor(),
            loupegrpc.v1.Result.getDescriptor(),
            loupegrpc.v1.Session.getDescriptor(),
            loupegrpc.v1.Adaptation.getDescriptor(),
            loupegrpc.v1.ServerInfo.getDescriptor()
        )) {
            for (var type : file.getEnumTypes()) {
                var ours = Map.of("SessionEventKind", "EventKind").getOrDefault(type.getName(), type.getName());
                if (List.of("FailureCode", "AdaptationScope", "GuardAction", "RungState", "JpegTables", "CredentialsCheckResult").contains(ours)) {
                    continue;
                }
                var prefix = type.findValueByNumber(0).getName().replace("UNSPECIFIED", "");
                var names = type
                    .getValues()
                    .stream()
                    .map(value -> value.getName().substring(prefix.length()))
                    .toList();
                var constants = Class.forName("loupegrpc." + ours).getEnumConstants();
                assertEquals(names, Arrays.stream(constants).map(Object::toString).toList(), ours);
                for (int number = 0; number < names.size(); number++) {
                    assertEquals(number, type.getValues().get(number).getNumber(), ours);
                }
                compared++;
            }
        }
        assertEquals(15, compared);
        assertEquals(Verdict.UNSPECIFIED, Wire.of(Verdict.values(), 99));
        assertEquals(Verdict.UNSPECIFIED, Wire.of(Verdict.values(), -1));
        for (var code : loupegrpc.v1.FailureCode.values()) {
            var known = FailureCode.of(code);
            var name = code == loupegrpc.v1.FailureCode.UNRECOGNIZED ? "" : ((ProtocolMessageEnum) code).getValueDescriptor().getName();
            assertEquals(name.isEmpty() || name.endsWith("UNSPECIFIED") ? "INTERNAL" : name.substring("FAILURE_CODE_".length()), known.name());
        }
        // The service that the calls go to.
        assertEquals("loupe.v1.ForgeryAnalysisService", ForgeryAnalysisServiceGrpc.SERVICE_NAME);
    }
}
