package loupegrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	loupev1 "loupegrpc/loupe/v1"
)

// realServer is the address of a real one; run-tests.sh starts it.
func realServer(t *testing.T) string {
	t.Helper()
	address := os.Getenv("LOUPE_ADDRESS")
	if address == "" {
		t.Skip("LOUPE_ADDRESS is not set")
	}
	return address
}

func TestFilesPixelsAndEveryKindOfMaskGiveTheSame(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := filepath.Join(root(t), "samples/forged-cat-inpainted.png")
	file := must(os.Open(path))(t)
	defer file.Close()
	decoded, _, err := image.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	var first *Analysis
	for _, try := range []struct {
		image    Image
		encoding MaskEncoding
	}{{File(path), MaskRLE}, {FromImage(decoded), MaskRLE}, {File(path), MaskPNG}, {File(path), MaskSoftPNG}} {
		found := must(client.AnalyzeImage(ctx, try.image, ImageOptions{Masks: &Masks{Policy: MasksAlways, Encoding: try.encoding}}))(t)
		if first == nil {
			first = found
		}
		one, other := must(first.Mask.Bitmap())(t), must(found.Mask.Bitmap())(t)
		if found.Score != first.Score || found.Verdict != Manipulated || !bytes.Equal(one.Pixels, other.Pixels) || bytes.Count(one.Pixels, []byte{1}) != int(found.Mask.Area()) {
			t.Errorf("%T, %s: %v %v", try.image, try.encoding, found.Score, found.Mask.Area())
		}
	}
}

func TestManySessionsShareAClient(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	picture := Encoded(must(os.ReadFile(filepath.Join(root(t), "samples/authentic-coffee.jpg")))(t))
	var running sync.WaitGroup
	for number := 0; number < 3; number++ {
		running.Add(1)
		go func() {
			defer running.Done()
			frames := make(chan Frame)
			go func() {
				defer close(frames)
				for i := 0; i < 15; i++ {
					frames <- Frame{Image: picture}
				}
			}()
			count := 0
			account, err := client.Analyze(ctx, frames, SessionOptions{MaxFramesInFlight: 3, Masks: &Masks{Policy: MasksNever}}, func(outcome Outcome) error {
				if found, ok := outcome.(*Result); !ok || found.Index != count || found.FrameID != uint64(count) {
					t.Errorf("%v comes as number %d", outcome, count)
				}
				count++
				return nil
			})
			if err != nil || count != 15 || account.Results != 15 {
				t.Errorf("%d outcomes, %v, %v", count, account, err)
			}
		}()
	}
	running.Wait()
}

func TestTheServersRefusalsKeepTheirCodes(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	var refused *RequestError
	if _, err := client.AnalyzeImage(ctx, Encoded("not a picture"), ImageOptions{}); !errors.As(err, &refused) || refused.Code != CodeInvalid {
		t.Error(err)
	}
	thresholds := &Thresholds{Low: Float(0.9), High: Float(0.1)}
	if _, err := client.OpenSession(ctx, SessionOptions{Thresholds: thresholds}); !errors.As(err, &refused) || refused.Code != CodeInvalid {
		t.Error(err)
	}
}

func TestResultsAreExplainedInTheLanguageThatIsAskedFor(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/forged-cat-in-coffee.jpg"))
	if plain := must(client.AnalyzeImage(ctx, path, ImageOptions{}))(t); len(plain.Explanation) != 0 {
		t.Error(plain.Explanation)
	}
	first := must(client.AnalyzeImage(ctx, path, ImageOptions{Explain: "en"}))(t).Explanation[0]
	if first.GetCode() != loupev1.ExplanationCode_EXPLANATION_CODE_SCORE_MANIPULATED || first.GetNumbers()["high"] != 0.6 || !strings.HasPrefix(first.GetText(), "The score of 0.") {
		t.Error(first)
	}
	if _, err := client.AnalyzeImage(ctx, path, ImageOptions{Explain: "fr"}); err == nil || !strings.Contains(err.Error(), "en or zh") {
		t.Error(err)
	}
}

func TestResultsAreSignedWhereThatIsAskedFor(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/forged-cat-in-coffee.jpg"))
	if plain := must(client.AnalyzeImage(ctx, path, ImageOptions{}))(t); len(plain.Receipt) != 0 {
		t.Error(string(plain.Receipt))
	}
	alone := must(client.AnalyzeImage(ctx, path, ImageOptions{Receipt: true}))(t)
	var envelope struct{ Payload []byte }
	if err := json.Unmarshal(alone.Receipt, &envelope); err != nil || !strings.Contains(string(envelope.Payload), alone.SHA256) {
		t.Error(err, string(alone.Receipt))
	}
	frames := make(chan Frame, 1)
	frames <- Frame{Image: path}
	close(frames)
	summary, err := client.Analyze(ctx, frames, SessionOptions{Receipts: true}, func(outcome Outcome) error {
		if result, is := outcome.(*Result); !is || len(result.Receipt) == 0 {
			t.Error("a result without a receipt")
		}
		return nil
	})
	if err != nil || len(summary.GetReceipt()) == 0 {
		t.Error(err, summary)
	}
}

func TestWhatAFileSaysOfWhereItComesFromIsThere(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	signed := must(client.AnalyzeImage(ctx, File(filepath.Join(root(t), "tests/data/provenance/es256.jpg")), ImageOptions{}))(t)
	credentials := signed.Provenance.GetContentCredentials()
	if credentials.GetClaimGenerator() != "loupe-grpc tests 1.0" || len(credentials.GetDigitalSourceTypes()) != 1 {
		t.Error(credentials)
	}
	checks := []*loupev1.CredentialsCheck{credentials.GetBinding(), credentials.GetAssertions(), credentials.GetSignature(), credentials.GetChain()}
	for _, check := range checks {
		if check.GetResult() != loupev1.CredentialsCheckResult_CREDENTIALS_CHECK_RESULT_HOLDS {
			t.Error(check)
		}
	}
	plain := must(client.AnalyzeImage(ctx, File(filepath.Join(root(t), "samples/forged-cat-inpainted.png")), ImageOptions{}))(t)
	if plain.Provenance != nil {
		t.Error(plain.Provenance)
	}
}

func TestFramesAreJudgedOverTimeWhereThatIsAskedFor(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/forged-cat-in-coffee.jpg"))
	if plain := must(client.AnalyzeImage(ctx, path, ImageOptions{}))(t); plain.OverTime != nil {
		t.Error(plain.OverTime)
	}
	frames := make(chan Frame, 2)
	frames <- Frame{Image: path}
	frames <- Frame{Image: path}
	close(frames)
	var verdicts []Verdict
	options := SessionOptions{OverTime: &OverTime{Window: 2 * time.Second, MaxFrames: 8, MinFrames: 2}}
	summary, err := client.Analyze(ctx, frames, options, func(outcome Outcome) error {
		if result, is := outcome.(*Result); is {
			verdicts = append(verdicts, result.OverTime.GetVerdict())
		}
		return nil
	})
	if err != nil || len(verdicts) != 2 || verdicts[0] != Uncertain || verdicts[1] != Manipulated {
		t.Error(err, verdicts)
	}
	if segments := summary.GetSegments(); len(segments) != 1 || segments[0].GetLastSequence() != 1 || summary.GetScenes() != 1 {
		t.Error(summary)
	}
}

func TestPicturesAreLookedAtInTilesWhereThatIsAskedFor(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/authentic-coffee.jpg"))
	if whole := must(client.AnalyzeImage(ctx, path, ImageOptions{}))(t); whole.Tiles != nil {
		t.Error(whole.Tiles)
	}
	tiled := must(client.AnalyzeImage(ctx, path, ImageOptions{Tiles: &Tiles{Policy: TilesNative}}))(t)
	if tiles := tiled.Tiles; tiles.GetAnalysed() != 4 || tiles.GetTotal() != 4 || tiles.GetStep() != 160 || tiles.GetPeak().GetScore() <= tiled.Score {
		t.Error(tiles)
	}
	session := must(client.OpenSession(ctx, SessionOptions{Tiles: &Tiles{Policy: TilesNative, MaxTiles: 2}}))(t)
	defer session.Close()
	if _, err := session.Send(ctx, Frame{Image: path}); err != nil {
		t.Fatal(err)
	}
	outcome := must(session.Receive(ctx))(t)
	if result, is := outcome.(*Result); !is || result.Tiles.GetAnalysed() != 2 || !result.Tiles.GetWholePictureRun() {
		t.Error(outcome)
	}
}

func TestEachFrameOfASessionMayShowSomeTiles(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/authentic-coffee.jpg"))
	session := must(client.OpenSession(ctx, SessionOptions{Tiles: &Tiles{Policy: TilesNative, PerFrame: 3, Window: 2}}))(t)
	defer session.Close()
	for _, frames := range []uint32{1, 2, 2} {
		if _, err := session.Send(ctx, Frame{Image: path}); err != nil {
			t.Fatal(err)
		}
		result, is := must(session.Receive(ctx))(t).(*Result)
		if !is {
			t.Fatal(result)
		}
		if window := result.Tiles.GetWindow(); window.GetFrames() != frames || window.GetSize() != 2 || window.GetFresh() != 2 {
			t.Error(window)
		}
	}
}

func TestAModelIsAskedForByItsName(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: realServer(t)})
	path := File(filepath.Join(root(t), "samples/authentic-coffee.jpg"))
	if info := must(client.ServerInfo(ctx))(t); len(info.Models) != 1 || info.Models[0].Name != "default" {
		t.Error(info.Models)
	}
	named, first := must(client.AnalyzeImage(ctx, path, ImageOptions{Model: "default"}))(t), must(client.AnalyzeImage(ctx, path, ImageOptions{}))(t)
	if named.Score != first.Score {
		t.Error(named.Score, first.Score)
	}
	var refused *RequestError
	if _, err := client.AnalyzeImage(ctx, path, ImageOptions{Model: "huge"}); !errors.As(err, &refused) || refused.Code != CodeInvalid {
		t.Error(err)
	}
	if _, err := client.OpenSession(ctx, SessionOptions{Model: "huge"}); !errors.As(err, &refused) || refused.Code != CodeInvalid {
		t.Error(err)
	}
}
