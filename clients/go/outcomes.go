package loupegrpc

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	loupev1 "loupegrpc/loupe/v1"
)

// Enums of the contract. A value that a newer server sends is a number without a constant; Name calls it UNSPECIFIED.
type (
	Verdict       = loupev1.Verdict
	DropReason    = loupev1.DropReason
	MaskOmission  = loupev1.MaskOmission
	MaskAgreement = loupev1.MaskAgreement
	NoteCode      = loupev1.NoteCode
	MaskPolicy    = loupev1.MaskPolicy
	MaskEncoding  = loupev1.MaskEncoding
	TilePolicy    = loupev1.TilePolicy
	DeliveryMode  = loupev1.DeliveryMode
	Economy       = loupev1.Economy
	PixelFormat   = loupev1.PixelFormat
	YuvMatrix     = loupev1.YuvMatrix
	YuvRange      = loupev1.YuvRange
)

// The values that programs name most; loupe/v1 has all.
const (
	Authentic   = loupev1.Verdict_VERDICT_AUTHENTIC
	Uncertain   = loupev1.Verdict_VERDICT_UNCERTAIN
	Manipulated = loupev1.Verdict_VERDICT_MANIPULATED

	MasksAlways        = loupev1.MaskPolicy_MASK_POLICY_ALWAYS
	MasksWhenSuspected = loupev1.MaskPolicy_MASK_POLICY_WHEN_SUSPECTED
	MasksNever         = loupev1.MaskPolicy_MASK_POLICY_NEVER

	MaskRLE     = loupev1.MaskEncoding_MASK_ENCODING_RLE
	MaskPNG     = loupev1.MaskEncoding_MASK_ENCODING_PNG
	MaskSoftPNG = loupev1.MaskEncoding_MASK_ENCODING_SOFT_PNG

	TilesOff    = loupev1.TilePolicy_TILE_POLICY_OFF
	TilesAuto   = loupev1.TilePolicy_TILE_POLICY_AUTO
	TilesNative = loupev1.TilePolicy_TILE_POLICY_NATIVE

	DeliverEveryFrame   = loupev1.DeliveryMode_DELIVERY_MODE_EVERY_FRAME
	DeliverFreshest     = loupev1.DeliveryMode_DELIVERY_MODE_FRESHEST
	DeliverWithinBudget = loupev1.DeliveryMode_DELIVERY_MODE_STALENESS_BUDGET

	BGR24  = loupev1.PixelFormat_PIXEL_FORMAT_BGR24
	RGB24  = loupev1.PixelFormat_PIXEL_FORMAT_RGB24
	BGRA32 = loupev1.PixelFormat_PIXEL_FORMAT_BGRA32
	GRAY8  = loupev1.PixelFormat_PIXEL_FORMAT_GRAY8
	NV12   = loupev1.PixelFormat_PIXEL_FORMAT_NV12
	I420   = loupev1.PixelFormat_PIXEL_FORMAT_I420
	YUYV   = loupev1.PixelFormat_PIXEL_FORMAT_YUYV

	YuvBT601   = loupev1.YuvMatrix_YUV_MATRIX_BT601
	YuvBT709   = loupev1.YuvMatrix_YUV_MATRIX_BT709
	YuvLimited = loupev1.YuvRange_YUV_RANGE_LIMITED
	YuvFull    = loupev1.YuvRange_YUV_RANGE_FULL
)

// Name is the contract's name of an enum's value without its prefix: MANIPULATED.
func Name(value protoreflect.Enum) string {
	values := value.Descriptor().Values()
	zero := values.ByNumber(0)
	found := values.ByNumber(value.Number())
	if found == nil {
		found = zero
	}
	if zero == nil || found == nil {
		return "UNSPECIFIED"
	}
	return strings.TrimPrefix(string(found.Name()), strings.TrimSuffix(string(zero.Name()), "UNSPECIFIED"))
}

// Analysis is what was found in a picture.
type Analysis struct {
	// Score is the probability that the picture was forged, 0 to 1.
	Score   float32
	Verdict Verdict
	// Low and High are the thresholds used.
	Low, High float32
	// Mask is nil where there is none; MaskOmission says why.
	Mask          *Mask
	MaskOmission  MaskOmission
	MaskAgreement MaskAgreement
	Regions       []*loupev1.Region
	Notes         []*loupev1.Note
	// Pixels of the picture as analysed.
	Width, Height int
	// Orientation is how viewers turn the picture, in EXIF's numbering; 1 is upright.
	Orientation int
	// SHA256 of the bytes received, hexadecimal.
	SHA256 string
	// Adaptation is the state the frame was answered with, in sessions that adapt; else nil.
	Adaptation *loupev1.AdaptationState
	// BaseMask is the mask without adaptation, in sessions with the dual verdict; else nil.
	BaseMask *Mask
	// Tiles says how the picture was looked at in tiles; nil: it was looked at whole.
	Tiles *loupev1.TileReport
	// Explanation is what was measured, in sentences; empty where no language was asked for.
	Explanation []*loupev1.Explanation
	// Receipt is what was found, signed: one line of JSON. Empty where it was not asked for.
	Receipt []byte
	// OverTime is what the frames up to this one say together; nil where it was not asked for.
	OverTime *loupev1.TemporalVerdict
	// Provenance is what the file itself says of where it comes from, Content Credentials among it; nil where it says nothing.
	Provenance *loupev1.Provenance
	// Message is as it came, with what is not repeated here.
	Message *loupev1.FrameResult
}

// FrameInfo is what every outcome says of its frame.
type FrameInfo struct {
	FrameID uint64
	// Index is the frame's number within the session, from 0, in the order in which Send took them.
	Index int
	// Sequence is the server's number of it, which events and the summary's timeline name. -1 for frames that were never sent.
	Sequence int64
}

// Frame tells an outcome's frame.
func (i FrameInfo) Frame() FrameInfo { return i }

// Outcome is the one terminal outcome of one frame: *Result, *Dropped, *Expired or *Failed.
type Outcome interface {
	Frame() FrameInfo
	fmt.Stringer
	outcome()
}

// Result: the frame was analysed.
type Result struct {
	FrameInfo
	*Analysis
}

// Dropped: the frame was left out, as the delivery policy asks or because the session ended first.
type Dropped struct {
	FrameInfo
	Reason DropReason
	// Age since the server received it.
	Age time.Duration
}

// Expired: the frame's own deadline passed before its outcome was there.
type Expired struct {
	FrameInfo
	// Age since the server received it.
	Age, Deadline time.Duration
}

// Failed: the frame could not be analysed; the session goes on unless the code is CodeConnectionLost.
type Failed struct {
	FrameInfo
	Code    FailureCode
	Message string
}

func (*Result) outcome()  {}
func (*Dropped) outcome() {}
func (*Expired) outcome() {}
func (*Failed) outcome()  {}

func (r *Result) String() string { return fmt.Sprintf("%s %.3f", Name(r.Verdict), r.Score) }
func (d *Dropped) String() string {
	return fmt.Sprintf("dropped: %s, after %s", Name(d.Reason), d.Age)
}
func (e *Expired) String() string { return fmt.Sprintf("expired: after %s of %s", e.Age, e.Deadline) }
func (f *Failed) String() string  { return fmt.Sprintf("%s, %s", f.Code, f.Message) }

// Event is what happens to a session by itself: *ServerEvent, *Disconnected or *Resumed.
type Event interface {
	fmt.Stringer
	event()
}

// ServerEvent is told by the server: draining, a guard that froze adaptation, an evicted state, another provider.
type ServerEvent struct {
	Message *loupev1.SessionEvent
}

// Disconnected: the connection broke; the session tries to go on with another for so long. Resumed follows, or the session's end.
type Disconnected struct {
	Reason error
	Window time.Duration
}

// Resumed: the session goes on where it was; no frame was lost, none is answered twice.
type Resumed struct {
	Outage          time.Duration
	FramesSentAgain int
}

func (*ServerEvent) event()  {}
func (*Disconnected) event() {}
func (*Resumed) event()      {}

func (e *ServerEvent) String() string  { return e.Message.GetMessage() }
func (e *Disconnected) String() string { return "disconnected: " + e.Reason.Error() }
func (e *Resumed) String() string      { return fmt.Sprintf("resumed after %s", e.Outage) }

func toAnalysis(result *loupev1.FrameResult) *Analysis {
	return &Analysis{
		Score: result.GetScore(), Verdict: result.GetVerdict(), Low: result.GetThresholds().GetLow(), High: result.GetThresholds().GetHigh(),
		Mask: toMask(result.GetMask()), MaskOmission: result.GetMaskOmission(), MaskAgreement: result.GetMaskAgreement(),
		Regions: result.GetRegions(), Notes: result.GetNotes(), Width: int(result.GetWidth()), Height: int(result.GetHeight()),
		Orientation: int(result.GetOrientation()), SHA256: fmt.Sprintf("%x", result.GetSha256()), Adaptation: result.GetAdaptation(),
		BaseMask: toMask(result.GetBaseMask()), Tiles: result.GetTiles(), Explanation: result.GetExplanation(),
		Receipt: result.GetReceipt(), OverTime: result.GetTemporal(), Provenance: result.GetProvenance(), Message: result,
	}
}

func toMask(message *loupev1.Mask) *Mask {
	if message == nil {
		return nil
	}
	return &Mask{message}
}

func toOutcome(info FrameInfo, answer *loupev1.FrameOutcome) Outcome {
	switch typed := answer.GetOutcome().(type) {
	case *loupev1.FrameOutcome_Result:
		return &Result{info, toAnalysis(typed.Result)}
	case *loupev1.FrameOutcome_Dropped:
		return &Dropped{info, typed.Dropped.GetReason(), typed.Dropped.GetAge().AsDuration()}
	case *loupev1.FrameOutcome_Expired:
		return &Expired{info, typed.Expired.GetAge().AsDuration(), typed.Expired.GetDeadline().AsDuration()}
	case *loupev1.FrameOutcome_Failed:
		return &Failed{info, toCode(typed.Failed.GetCode()), typed.Failed.GetMessage()}
	}
	return &Failed{info, CodeInternal, "the server answered with a kind of outcome that this client does not know"}
}
