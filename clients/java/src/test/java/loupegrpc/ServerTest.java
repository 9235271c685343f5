package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import javax.imageio.ImageIO;
import loupegrpc.v1.CredentialsCheckResult;
import org.junit.jupiter.api.Test;

/** Against a real server, which run-tests.sh starts. */
final class ServerTest {

    @Test
    void filesPixelsAndEveryKindOfMaskGiveTheSame() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var path = Checkout.file("samples/forged-cat-inpainted.png");
            var always = ImageOptions.STANDARD.withMasks(Masks.of(MaskPolicy.ALWAYS));
            var first = client.analyzeImage(Image.file(path), always);
            var bitmap = first.mask().orElseThrow().bitmap();
            int area = 0;
            for (byte pixel : bitmap.pixels()) {
                area += pixel;
            }
            assertEquals(Verdict.MANIPULATED, first.verdict());
            assertEquals(first.mask().orElseThrow().area(), area);
            var others = new ArrayList<Analysis>();
            others.add(client.analyzeImage(Image.encoded(Files.readAllBytes(path)), always));
            others.add(client.analyzeImage(Image.of(ImageIO.read(path.toFile())), always));
            for (var encoding : List.of(MaskEncoding.PNG, MaskEncoding.SOFT_PNG)) {
                others.add(client.analyzeImage(Image.file(path), ImageOptions.STANDARD.withMasks(Masks.of(MaskPolicy.ALWAYS, encoding))));
            }
            for (var other : others) {
                assertEquals(first.score(), other.score());
                assertArrayEquals(bitmap.pixels(), other.mask().orElseThrow().bitmap().pixels());
                assertEquals(first.mask().orElseThrow().box(), other.mask().orElseThrow().box());
            }
        }
    }

    @Test
    void manySessionsShareAClient() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var picture = Image.encoded(Files.readAllBytes(Checkout.file("samples/authentic-coffee.jpg")));
            var options = SessionOptions.builder().maxFramesInFlight(3).masks(Masks.of(MaskPolicy.NEVER)).build();
            Callable<Long> stream = () -> {
                try (var outcomes = client.analyze(Collections.nCopies(15, Frame.of(picture)).iterator(), options)) {
                    int index = 0;
                    for (var outcome : outcomes) {
                        var frame = assertInstanceOf(Outcome.Result.class, outcome).frame();
                        assertEquals(index, frame.index());
                        assertEquals(index++, frame.id());
                    }
                    return outcomes.summary().getResults();
                }
            };
            var threads = Executors.newFixedThreadPool(3);
            for (var results : threads.invokeAll(Collections.nCopies(3, stream))) {
                assertEquals(15, results.get());
            }
            threads.shutdown();
        }
    }

    @Test
    void theServersRefusalsKeepTheirCodes() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var picture = assertThrows(RequestException.class, () -> client.analyzeImage(Image.encoded("not a picture".getBytes())));
            assertEquals(FailureCode.INVALID, picture.code());
            var crossed = SessionOptions.builder().thresholds(Thresholds.of(0.9, 0.1)).build();
            assertEquals(FailureCode.INVALID, assertThrows(RequestException.class, () -> client.openSession(crossed)).code());
        }
    }

    @Test
    void aFrameThatIsTooLargeIsNotSentAndTheSessionGoesOn() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer()); var session = client.openSession()) {
            long limit = session.grant().getLimits().getMaxFrameBytes();
            assertTrue(limit > 0 && limit < 1 << 30, "of " + limit);
            session.send(Image.encoded(new byte[(int) limit + 1]));
            session.send(Image.file(Checkout.file("samples/authentic-coffee.jpg")));
            var failed = assertInstanceOf(Outcome.Failed.class, session.receive().orElseThrow());
            assertEquals(FailureCode.TOO_LARGE, failed.code());
            assertEquals(-1, failed.frame().sequence());
            assertTrue(failed.message().contains("Loupe:Limits:MaxFrameBytes"), failed.message());
            assertEquals(0, assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow()).frame().sequence());
        }
    }

    @Test
    void resultsAreExplainedInTheLanguageThatIsAskedFor() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var image = Image.file(Checkout.file("samples/forged-cat-inpainted.png"));
            assertEquals(List.of(), client.analyzeImage(image).explanation());
            var first = client.analyzeImage(image, ImageOptions.STANDARD.withExplanation("en")).explanation().get(0);
            assertEquals(ExplanationCode.SCORE_MANIPULATED, first.code());
            assertEquals(0.6, first.numbers().get("high"));
            assertTrue(first.text().startsWith("The score of 0.99"), first.text());
            var french = ImageOptions.STANDARD.withExplanation("fr");
            assertTrue(
                assertThrows(RequestException.class, () -> client.analyzeImage(image, french))
                    .getMessage()
                    .contains("en or zh")
            );
            try (var session = client.openSession(SessionOptions.builder().explain("zh").build())) {
                session.send(image);
                var result = assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow());
                assertTrue(result.analysis().explanation().get(0).text().startsWith("分数"));
            }
        }
    }

    @Test
    void resultsAreSignedWhereThatIsAskedFor() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var image = Image.file(Checkout.file("samples/forged-cat-inpainted.png"));
            assertEquals(0, client.analyzeImage(image).receipt().length);
            var alone = client.analyzeImage(image, ImageOptions.STANDARD.withReceipt());
            assertTrue(new String(alone.receipt(), StandardCharsets.UTF_8).startsWith("{\"payload\":\""));
            try (var session = client.openSession(SessionOptions.builder().receipts(true).build())) {
                session.send(image);
                var result = assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow());
                assertTrue(result.analysis().receipt().length > 0);
                assertTrue(session.complete().getReceipt().size() > 0);
            }
        }
    }

    @Test
    void whatAFileSaysOfWhereItComesFromIsThere() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var signed = client.analyzeImage(Image.file(Checkout.file("tests/data/provenance/es256.jpg")));
            var credentials = signed.provenance().orElseThrow().getContentCredentials();
            assertEquals("loupe-grpc tests 1.0", credentials.getClaimGenerator());
            assertEquals(List.of("trainedAlgorithmicMedia"), List.copyOf(credentials.getDigitalSourceTypesList()));
            assertEquals(CredentialsCheckResult.CREDENTIALS_CHECK_RESULT_HOLDS, credentials.getBinding().getResult());
            assertEquals(CredentialsCheckResult.CREDENTIALS_CHECK_RESULT_HOLDS, credentials.getSignature().getResult());
            var plain = client.analyzeImage(Image.file(Checkout.file("samples/forged-cat-inpainted.png")));
            assertEquals(Optional.empty(), plain.provenance());
        }
    }

    @Test
    void framesAreJudgedOverTimeWhereThatIsAskedFor() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var image = Image.file(Checkout.file("samples/forged-cat-inpainted.png"));
            assertEquals(Optional.empty(), client.analyzeImage(image).overTime());
            var options = SessionOptions.builder()
                .overTime(new OverTime(Duration.ofSeconds(2), 8, 2))
                .build();
            try (var session = client.openSession(options)) {
                assertEquals(8, session.grant().getTemporal().getMaxFrames());
                session.send(image);
                session.send(image);
                session.receive();
                var result = assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow());
                var verdict = result.analysis().overTime().orElseThrow();
                assertEquals(loupegrpc.v1.Verdict.VERDICT_MANIPULATED, verdict.getVerdict());
                assertEquals(2, verdict.getFrames());
                assertEquals(1, session.complete().getSegments(0).getLastSequence());
            }
        }
    }

    @Test
    void picturesAreLookedAtInTilesWhereThatIsAskedFor() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var image = Image.file(Checkout.file("samples/authentic-coffee.jpg"));
            assertEquals(Optional.empty(), client.analyzeImage(image).tiles());
            var tiled = client.analyzeImage(image, ImageOptions.STANDARD.withTiles(Tiles.of(TilePolicy.NATIVE)));
            var tiles = tiled.tiles().orElseThrow();
            assertEquals(List.of(4, 4, 160), List.of(tiles.getAnalysed(), tiles.getTotal(), tiles.getStep()));
            assertTrue(tiles.getPeak().getScore() > tiled.score());
            try (var session = client.openSession(SessionOptions.builder().tiles(Tiles.of(TilePolicy.NATIVE, 2)).build())) {
                session.send(image);
                var result = assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow());
                assertEquals(2, result.analysis().tiles().orElseThrow().getAnalysed());
                assertTrue(result.analysis().tiles().orElseThrow().getWholePictureRun());
            }
        }
    }

    @Test
    void eachFrameOfASessionMayShowSomeTiles() throws Exception {
        try (
            var client = new LoupeClient(Checkout.realServer());
            var session = client.openSession(SessionOptions.builder().tiles(Tiles.ofEachFrame(TilePolicy.NATIVE, 3)).build())
        ) {
            for (var frames : List.of(1, 2, 2)) {
                session.send(Image.file(Checkout.file("samples/authentic-coffee.jpg")));
                var result = assertInstanceOf(Outcome.Result.class, session.receive().orElseThrow());
                var window = result.analysis().tiles().orElseThrow().getWindow();
                assertEquals(List.of(frames, 2, 2), List.of(window.getFrames(), window.getSize(), window.getFresh()));
            }
        }
    }

    @Test
    void aModelIsAskedForByItsName() throws Exception {
        try (var client = new LoupeClient(Checkout.realServer())) {
            var image = Image.file(Checkout.file("samples/authentic-coffee.jpg"));
            assertEquals("default", client.serverInfo().getModels(0).getName());
            var named = client.analyzeImage(image, ImageOptions.STANDARD.withModel("default"));
            assertEquals(client.analyzeImage(image).score(), named.score());
            var huge = ImageOptions.STANDARD.withModel("huge");
            assertEquals(FailureCode.INVALID, assertThrows(RequestException.class, () -> client.analyzeImage(image, huge)).code());
            var session = SessionOptions.builder().model("huge").build();
            assertEquals(FailureCode.INVALID, assertThrows(RequestException.class, () -> client.openSession(session)).code());
        }
    }
}
