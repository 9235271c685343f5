// The scenario, played by the Go client: `scenario SCRIPT ADDRESS CONTROL ROOT`, or `scenario --speed ADDRESS KIND COUNT`.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"loupegrpc"
	loupev1 "loupegrpc/loupe/v1"
)

// For one step.
const patience = 3 * time.Minute

type line map[string]interface{}

type wish struct {
	Name, Kind, File, Mask string
	Text                   *string
	Zeros                  int
	First                  *int
	ID                     string
	DeadlineUs             int64 `json:"deadline_us"`
	Raw                    *format
	Format                 *format
	Delivery               *struct {
		Mode        string
		StalenessUs int64 `json:"staleness_us"`
	}
	Thresholds    *thresholds
	Low, High     *float64
	Adaptation    *adaptation
	ToStep        *uint64 `json:"to_step"`
	Snapshot      bool
	Deterministic bool
	adaptation
}

type thresholds struct{ Low, High *float64 }

type adaptation struct {
	MinConfidence float32 `json:"min_confidence"`
	StepsPerFrame uint32  `json:"steps_per_frame"`
}

type format struct {
	Format               string
	Width, Height, Bytes int
	Strides              []int
}

func main() {
	arguments := os.Args[1:]
	if len(arguments) != 4 {
		fail(errors.New("usage: scenario SCRIPT ADDRESS CONTROL ROOT, or scenario --speed ADDRESS KIND COUNT"))
	}
	if arguments[0] == "--speed" {
		fail(speed(arguments[1], arguments[2], arguments[3]))
		return
	}
	text, err := os.ReadFile(arguments[0])
	fail(err)
	var script struct {
		Parts []struct {
			Name  string
			Steps []map[string]json.RawMessage
		}
	}
	fail(json.Unmarshal(text, &script))
	client, err := loupegrpc.NewClient(loupegrpc.Options{Address: arguments[1], ClientName: "scenario"})
	fail(err)
	play := &player{client: client, control: arguments[2], root: arguments[3]}
	for _, part := range script.Parts {
		write(line{"step": "part", "name": part.Name})
		for _, step := range part.Steps {
			for kind, value := range step {
				fail(play.step(kind, value))
			}
		}
	}
	play.close()
	fail(client.Close())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(of line) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	fail(encoder.Encode(of))
	fmt.Print(text.String())
}

type player struct {
	client   *loupegrpc.Client
	control  string
	root     string
	session  *loupegrpc.Session
	snapshot []byte
}

// step plays one; what the script expects to go wrong becomes a line.
func (p *player) step(kind string, value json.RawMessage) error {
	ctx, done := context.WithTimeout(context.Background(), patience)
	defer done()
	err := p.play(ctx, kind, value)
	var refused *loupegrpc.RequestError
	code := ""
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		code = string(refused.Code)
	case errors.Is(err, loupegrpc.ErrCompleting):
		code = "COMPLETED"
	case errors.Is(err, loupegrpc.ErrConnectionLost):
		code = "CONNECTION_LOST"
	case errors.Is(err, loupegrpc.ErrUnavailable):
		code = "UNAVAILABLE"
	default:
		return fmt.Errorf("%s: %w", kind, err)
	}
	write(line{"step": kind, "error": code})
	return nil
}

func (p *player) play(ctx context.Context, kind string, value json.RawMessage) error {
	var asked wish
	var count int
	var command string
	var err error
	switch kind {
	case "read":
		err = json.Unmarshal(value, &count)
	case "proxy":
		err = json.Unmarshal(value, &command)
	default:
		err = json.Unmarshal(value, &asked)
	}
	if err != nil {
		return err
	}
	if p.session == nil && kind != "open" && kind != "analyze" && kind != "close" {
		return errors.New("the script uses a session that it did not open")
	}
	switch kind {
	case "open":
		p.close()
		options := loupegrpc.SessionOptions{
			Name: asked.Name, FrameFormat: asked.Format.format(), Masks: masks(asked), Thresholds: asked.Thresholds.thresholds(), Deterministic: asked.Deterministic,
		}
		if asked.Delivery != nil {
			options.Delivery = &loupegrpc.Delivery{
				Mode:            loupegrpc.DeliveryMode(loupev1.DeliveryMode_value["DELIVERY_MODE_"+asked.Delivery.Mode]),
				StalenessBudget: time.Duration(asked.Delivery.StalenessUs) * time.Microsecond,
			}
		}
		if asked.Adaptation != nil {
			options.Adaptation = asked.Adaptation.adaptation()
		}
		if asked.Snapshot {
			options.AdaptationSnapshot = p.snapshot
		}
		// The session outlives its step.
		session, err := p.client.OpenSession(context.Background(), options)
		if err != nil {
			return err
		}
		p.session = session
		write(ofGrant(session.Grant))
	case "analyze":
		analysis, err := p.client.AnalyzeImage(ctx, p.image(asked), loupegrpc.ImageOptions{Thresholds: asked.Thresholds.thresholds(), Masks: masks(asked)})
		if err != nil {
			return err
		}
		info, err := p.client.ServerInfo(ctx)
		if err != nil {
			return err
		}
		write(ofAnalysis(line{"step": "analyze", "model": info.GetModel().GetName()}, analysis))
	case "send":
		id, err := strconv.ParseUint(asked.ID, 10, 64)
		if err != nil {
			return err
		}
		frame := loupegrpc.Frame{Image: p.image(asked), ID: loupegrpc.ID(id), Deadline: time.Duration(asked.DeadlineUs) * time.Microsecond}
		_, err = p.session.Send(ctx, frame)
		return err
	case "read":
		for left := count; left > 0; left-- {
			outcome, err := p.session.Receive(ctx)
			if errors.Is(err, loupegrpc.EOF) {
				// Not wrapped: a session that was lost is not what the script expects here.
				return fmt.Errorf("the session ended with %d outcomes to come: %v", left, p.session.Err())
			}
			if err != nil {
				return err
			}
			write(ofOutcome(outcome))
		}
	case "control":
		reply, err := p.sendControl(ctx, asked)
		if err != nil {
			return err
		}
		if len(reply.Snapshot) > 0 {
			p.snapshot = reply.Snapshot
		}
		write(ofReply(asked.Kind, reply))
	case "proxy":
		return p.send(command)
	case "takeover":
		return p.send(fmt.Sprintf("takeover %x", p.session.Grant.ResumeToken))
	case "resumed":
		for {
			event, err := p.session.NextEvent(ctx)
			if _, resumed := event.(*loupegrpc.Resumed); resumed || errors.Is(err, loupegrpc.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		write(line{"step": "resumed", "lost": p.session.Err() != nil})
	case "fault":
		for {
			outcome, err := p.session.Receive(ctx)
			if errors.Is(err, loupegrpc.EOF) {
				break
			}
			if err != nil {
				return err
			}
			write(ofOutcome(outcome))
		}
		write(line{"step": "fault", "lost": errors.Is(p.session.Err(), loupegrpc.ErrConnectionLost)})
	case "complete":
		summary, err := p.session.Complete(ctx)
		if err != nil {
			return err
		}
		write(ofSummary(summary))
	case "close":
		p.close()
	default:
		return fmt.Errorf("the script has a step %s that this player does not know", kind)
	}
	return nil
}

func (p *player) close() {
	if p.session != nil {
		fail(p.session.Close())
		p.session = nil
	}
}

func (p *player) sendControl(ctx context.Context, asked wish) (*loupev1.ControlReply, error) {
	switch asked.Kind {
	case "set_thresholds":
		return p.session.SetThresholds(ctx, loupegrpc.Thresholds{Low: asked.Low, High: asked.High})
	case "set_mask":
		return p.session.SetMasks(ctx, *masks(asked))
	case "flush":
		return p.session.Flush(ctx)
	case "set_adaptation":
		return p.session.SetAdaptation(ctx, *asked.adaptation.adaptation())
	case "freeze_adaptation":
		return p.session.FreezeAdaptation(ctx)
	case "resume_adaptation":
		return p.session.ResumeAdaptation(ctx)
	case "reset_adaptation":
		return p.session.ResetAdaptation(ctx)
	case "rollback_adaptation":
		if asked.ToStep != nil {
			return p.session.RollbackAdaptationTo(ctx, *asked.ToStep)
		}
		return p.session.RollbackAdaptation(ctx)
	case "snapshot_adaptation":
		return p.session.SnapshotAdaptation(ctx)
	}
	return nil, fmt.Errorf("the script has a control %s that this player does not know", asked.Kind)
}

func (p *player) image(asked wish) loupegrpc.Image {
	switch {
	case asked.Raw != nil:
		pixels := make([]byte, asked.Raw.Bytes)
		for i := range pixels {
			pixels[i] = byte(i*31 + i/97*17)
		}
		return loupegrpc.Raw{Pixels: pixels, Format: asked.Raw.format()}
	case asked.Text != nil:
		return loupegrpc.Encoded(*asked.Text)
	case asked.Zeros > 0:
		return loupegrpc.Encoded(make([]byte, asked.Zeros))
	}
	path := filepath.Join(p.root, asked.File)
	if asked.First == nil {
		return loupegrpc.File(path)
	}
	data, err := os.ReadFile(path)
	fail(err)
	return loupegrpc.Encoded(data[:*asked.First])
}

func (p *player) send(command string) error {
	connection, err := net.Dial("tcp", p.control)
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := fmt.Fprintln(connection, command); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if strings.TrimSpace(answer) != "ok" {
		return fmt.Errorf("the proxy answered %s with %q (%v)", command, answer, err)
	}
	return nil
}

func (f *format) format() *loupegrpc.FrameFormat {
	if f == nil || f.Format == "" {
		return nil
	}
	pixelFormat := loupegrpc.PixelFormat(loupev1.PixelFormat_value["PIXEL_FORMAT_"+f.Format])
	return &loupegrpc.FrameFormat{PixelFormat: pixelFormat, Width: f.Width, Height: f.Height, Strides: f.Strides}
}

func (t *thresholds) thresholds() *loupegrpc.Thresholds {
	if t == nil {
		return nil
	}
	return &loupegrpc.Thresholds{Low: t.Low, High: t.High}
}

func (a *adaptation) adaptation() *loupegrpc.Adaptation {
	return &loupegrpc.Adaptation{MinConfidence: a.MinConfidence, StepsPerFrame: a.StepsPerFrame}
}

func masks(asked wish) *loupegrpc.Masks {
	if asked.Mask == "" {
		return nil
	}
	return &loupegrpc.Masks{Policy: loupegrpc.MaskPolicy(loupev1.MaskPolicy_value["MASK_POLICY_"+asked.Mask])}
}

func ofThresholds(low, high float32) []string {
	return []string{fmt.Sprintf("%.4f", low), fmt.Sprintf("%.4f", high)}
}

func withState(of line, state *loupev1.AdaptationState) line {
	if state != nil {
		of["adaptation"] = line{"step": state.Step, "hash": fmt.Sprintf("%x", state.Hash), "frozen": state.Frozen}
	}
	return of
}

func ofGrant(grant *loupev1.SessionGrant) line {
	unavailable := []string{}
	for _, part := range grant.Unavailable {
		unavailable = append(unavailable, part.Feature)
	}
	return withState(line{
		"step": "open", "model": grant.GetModel().GetName(), "demonstration": grant.GetModel().GetDemonstration(),
		"thresholds":  ofThresholds(grant.GetThresholds().GetLow(), grant.GetThresholds().GetHigh()),
		"mask":        []string{loupegrpc.Name(grant.GetMask().GetPolicy()), loupegrpc.Name(grant.GetMask().GetEncoding())},
		"delivery":    loupegrpc.Name(grant.GetDelivery().GetMode()),
		"credits":     grant.GetLimits().GetCredits(),
		"unavailable": unavailable,
	}, grant.Adaptation)
}

func ofMask(mask *loupegrpc.Mask) line {
	bitmap, err := mask.Bitmap()
	fail(err)
	decoded, err := mask.Rle()
	fail(err)
	encoded, err := bitmap.Rle()
	fail(err)
	if encoded != decoded {
		fail(errors.New("a mask that was decoded and encoded is another"))
	}
	box, err := mask.Box()
	fail(err)
	area := 0
	for _, pixel := range bitmap.Pixels {
		area += int(pixel)
	}
	return line{
		"area": area, "area_holds": uint64(area) == mask.Area(), "box": []int{box.Min.X, box.Min.Y, box.Dx(), box.Dy()},
		"pixels": fmt.Sprintf("%x", sha256.Sum256(bitmap.Pixels)),
	}
}

func ofAnalysis(of line, analysis *loupegrpc.Analysis) line {
	notes := []string{}
	for _, note := range analysis.Notes {
		notes = append(notes, loupegrpc.Name(note.Code))
	}
	of["score"] = fmt.Sprintf("%.6f", analysis.Score)
	of["verdict"] = loupegrpc.Name(analysis.Verdict)
	of["used"] = ofThresholds(analysis.Low, analysis.High)
	of["size"] = []int{analysis.Width, analysis.Height}
	of["sha256"] = analysis.SHA256
	of["notes"] = notes
	of["orientation"] = analysis.Orientation
	of["agreement"] = loupegrpc.Name(analysis.MaskAgreement)
	if analysis.Mask != nil {
		of["mask"] = ofMask(analysis.Mask)
	} else {
		of["omission"] = loupegrpc.Name(analysis.MaskOmission)
	}
	return withState(of, analysis.Adaptation)
}

func ofOutcome(outcome loupegrpc.Outcome) line {
	frame := outcome.Frame()
	of := line{"step": "outcome", "frame_id": strconv.FormatUint(frame.FrameID, 10), "index": frame.Index, "sequence": nil}
	if frame.Sequence >= 0 {
		of["sequence"] = frame.Sequence
	}
	switch typed := outcome.(type) {
	case *loupegrpc.Result:
		of["outcome"] = "RESULT"
		return ofAnalysis(of, typed.Analysis)
	case *loupegrpc.Dropped:
		of["outcome"], of["reason"] = "DROPPED", loupegrpc.Name(typed.Reason)
	case *loupegrpc.Expired:
		of["outcome"] = "EXPIRED"
	case *loupegrpc.Failed:
		of["outcome"], of["code"], of["message"] = "FAILED", typed.Code, typed.Message
	}
	return of
}

func ofReply(kind string, reply *loupev1.ControlReply) line {
	of := line{"step": "control", "control": kind, "thresholds": ofThresholds(reply.GetThresholds().GetLow(), reply.GetThresholds().GetHigh())}
	if len(reply.Snapshot) > 0 {
		of["snapshot"] = len(reply.Snapshot)
	}
	return withState(of, reply.Adaptation)
}

func ofSummary(summary *loupev1.SessionSummary) line {
	reasons, verdicts, timeline := line{}, line{}, [][]uint64{}
	for _, reason := range summary.Reasons {
		reasons[reason.Reason] = reason.Count
	}
	for _, verdict := range summary.Verdicts {
		verdicts[loupegrpc.Name(verdict.Verdict)] = verdict.Count
	}
	for _, run := range summary.Timeline {
		timeline = append(timeline, []uint64{run.FirstSequence, run.LastSequence})
	}
	return withState(line{
		"step": "summary", "frames": summary.Frames, "results": summary.Results, "dropped": summary.Dropped, "expired": summary.Expired,
		"failed": summary.Failed, "reasons": reasons, "verdicts": verdicts, "timeline": timeline,
	}, summary.Adaptation)
}

// speed prints frames a second of one stream, and the client's own processor time for each. Kind `nv12`: raw pixels of 1920x1080; else a picture file.
func speed(address, kind, count string) error {
	frames, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var image loupegrpc.Image = loupegrpc.Raw{
		Pixels: make([]byte, 1920*1080*3/2), Format: &loupegrpc.FrameFormat{PixelFormat: loupegrpc.NV12, Width: 1920, Height: 1080},
	}
	if kind != "nv12" {
		data, err := os.ReadFile(kind)
		if err != nil {
			return err
		}
		image = loupegrpc.Encoded(data)
	}
	ctx := context.Background()
	client, err := loupegrpc.Connect(ctx, loupegrpc.Options{Address: address})
	if err != nil {
		return err
	}
	defer client.Close()
	run := func(count int) error {
		source := make(chan loupegrpc.Frame)
		go func() {
			for i := 0; i < count; i++ {
				source <- loupegrpc.Frame{Image: image}
			}
			close(source)
		}()
		results := 0
		options := loupegrpc.SessionOptions{Masks: &loupegrpc.Masks{Policy: loupegrpc.MasksNever}}
		_, err := client.Analyze(ctx, source, options, func(outcome loupegrpc.Outcome) error {
			if _, ok := outcome.(*loupegrpc.Result); ok {
				results++
			}
			return nil
		})
		if err == nil && results != count {
			err = fmt.Errorf("%d of %d frames have a result", results, count)
		}
		return err
	}
	if err := run(10); err != nil {
		return err
	}
	started, before := time.Now(), processorTime()
	if err := run(frames); err != nil {
		return err
	}
	seconds, processor := time.Since(started).Seconds(), processorTime()-before
	write(line{
		"frames_per_second": math.Round(float64(frames)/seconds*10) / 10,
		"cpu_ms_per_frame":  math.Round(processor.Seconds()*1000/float64(frames)*100) / 100,
	})
	return nil
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
