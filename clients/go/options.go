package loupegrpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	loupev1 "loupegrpc/loupe/v1"
)

const (
	// DefaultAddress is where loupe-grpc-server listens unless told otherwise.
	DefaultAddress = "http://127.0.0.1:5005"
	// Version of this module.
	Version = "0.2.0"
)

// The levels that Options.Log gets; those of log/slog.
const (
	LevelInfo = 0
	LevelWarn = 4
)

// Options say how a client reaches its server. The zero value is a server on this machine.
type Options struct {
	// Address is http://HOST:PORT (HTTP/2 without TLS), https://HOST:PORT or unix:/path. Default: DefaultAddress.
	Address string
	// TLS, with https://: whose certificates are trusted, and the client's own; see LoadTLS. Default: the system's trust.
	TLS *tls.Config
	// Key is sent as `authorization: Bearer KEY`.
	Key string
	// Headers are further request headers of every call. Outgoing metadata of a call's context goes along too.
	Headers map[string]string
	// CallHeaders is asked before every call for headers of its own, with the context of the call or session. OpenTelemetry's context goes along with
	//	carrier := propagation.MapCarrier{}
	//	otel.GetTextMapPropagator().Inject(ctx, carrier)
	//	return carrier
	CallHeaders func(ctx context.Context) map[string]string
	// ConnectTimeout is how long connecting and opening a session are tried again while the server cannot be reached. Default (0): 10 s; negative: one try.
	ConnectTimeout time.Duration
	// UnaryRetries is how often a call outside sessions is tried again after UNAVAILABLE. Default (0): 3; negative: never.
	UnaryRetries int
	// KeepAlive is the time between HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost. 10 s or more. Default (0): 20 s.
	KeepAlive time.Duration
	// MaxResponseBytes bounds masks. 65,536 or more. Default (0): 16 MiB.
	MaxResponseBytes int
	// ClientName is the program and version that the server logs. At most 128 characters.
	ClientName string
	// Log is told what happens to sessions, with keys and values in turn: hand it to log/slog's Logger.Log. Default: nobody.
	Log func(ctx context.Context, level int, message string, keysAndValues ...interface{})
	// DialOptions are gRPC's own: interceptors, stats handlers, resolvers.
	DialOptions []grpc.DialOption
}

// Thresholds say where a score becomes a verdict; each that is nil is the server's. See Float.
type Thresholds struct {
	// Low: below it authentic. High: from it on manipulated. 0 to 1.
	Low, High *float64
}

// Float is for Thresholds.
func Float(value float64) *float64 { return &value }

// Masks say when and how masks are returned. The zero value: run lengths, when the verdict is not authentic.
type Masks struct {
	Policy   MaskPolicy
	Encoding MaskEncoding
	// MaxBytes: a longer mask is left out. Default (0): what fits the session's response limit.
	MaxBytes uint32
}

// Tiles say whether picture files are looked at in tiles, their pixels as they are, and with PerFrame raw frames too.
type Tiles struct {
	// Policy: default (0) off.
	Policy TilePolicy
	// MaxTiles of a picture, each a run of the model. Default (0): the server's, 256 unless configured.
	MaxTiles uint32
	// Budget is how long the tiles of a picture may take on average. Default (0): as long as it takes.
	Budget time.Duration
	// PerFrame is how many tiles of each frame are looked at, in sessions that do not adapt; the next shows others, until all were shown. Default (0): each frame is
	// looked at by itself.
	PerFrame uint32
	// Window, with PerFrame, is of how many frames the tiles make a score. Default (0): as many as show every tile once.
	Window uint32
}

// OverTime says how frames are judged together: a verdict that does not flicker, and segments in the summary. The zero value: as the server has it.
type OverTime struct {
	// Window: frames older than it leave the window. Default (0): the server's, 1 s unless configured.
	Window time.Duration
	// MaxFrames in the window. Default (0): the server's, 32 unless configured.
	MaxFrames uint32
	// MinFrames that a verdict needs. Default (0): the server's, 3 unless configured.
	MinFrames uint32
}

// Delivery says which frames are answered when they come too fast.
type Delivery struct {
	Mode DeliveryMode
	// StalenessBudget is for DeliverWithinBudget, where it is required.
	StalenessBudget time.Duration
}

// Adaptation says how the session learns while frames pass. Each 0 is the server's default; AdaptationSettings of the contract says which.
type Adaptation struct {
	LearningRate        float64
	StepsPerFrame       uint32
	MinConfidence       float32
	EveryNth            uint32
	DualVerdictEveryNth uint32
	Guard               *loupev1.AdaptationGuard
}

// SessionOptions are what a session asks for; what it was given is in its Grant. The zero value is good for most.
type SessionOptions struct {
	// Name is the caller's own name of the session, for logs and lists; balancers hash it. At most 128 characters.
	Name string
	// Model is which of the server's models analyses the frames: a name from ServerInfo's Models. Default (empty): the server's first.
	Model string
	// FrameFormat of raw frames that do not say their own.
	FrameFormat *FrameFormat
	// Delivery, where nil: every frame is answered.
	Delivery *Delivery
	Masks    *Masks
	// Tiles, where nil: pictures are looked at whole.
	Tiles *Tiles
	// Explain is the language of each Explanation, en or zh. Default (empty): none, results have no sentences.
	Explain string
	// Receipts asks the server to sign one for each result, Analysis.Receipt, and for the session's end, Receipt of its summary.
	Receipts bool
	// OverTime, where not nil, has frames judged over time too: Analysis.OverTime, and Segments of the summary.
	OverTime   *OverTime
	Thresholds *Thresholds
	// Adaptation, where nil: none.
	Adaptation *Adaptation
	// AdaptationSnapshot is a state from SnapshotAdaptation, of the same model.
	AdaptationSnapshot []byte
	// Economies are what of its frames' work the session would rather go without than lose frames, while it loses some.
	Economies []Economy
	// NoReconnect: a session ends with its connection. Otherwise it goes on with another one: no frame lost, none answered twice.
	NoReconnect bool
	// Deterministic asks for bit-for-bit repeatable results.
	Deterministic bool
	// Unordered: outcomes come as they are ready.
	Unordered bool
	// MaxFramesInFlight are frames sent whose outcomes were not yet received, 1 to 4,096; the server's credits may bound them further. Default (0): 64.
	MaxFramesInFlight int
}

// LoadTLS reads PEM files for Options.TLS: whose certificates are trusted (empty: the system's), and the client's own chain and key, where the server
// asks for one (both empty: none).
func LoadTLS(ca, certificate, privateKey string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificate in PEM", ca)
		}
	}
	if (certificate == "") != (privateKey == "") {
		return nil, errors.New("certificate and privateKey go together")
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, privateKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func orElse[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// target is what gRPC calls the address, whether it is TLS, and the address as messages show it: without a path, and without credentials.
func (o *Options) target() (target, shown string, secure bool, err error) {
	address := orElse(o.Address, DefaultAddress)
	if strings.HasPrefix(address, "unix:") {
		target, shown = address, address
	} else {
		parsed, problem := url.Parse(address)
		if problem != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Hostname() == "" {
			return "", "", false, fmt.Errorf("address is %q: it must be http://HOST:PORT, https://HOST:PORT or unix:/path", address)
		}
		secure = parsed.Scheme == "https"
		target = parsed.Host
		if parsed.Port() == "" {
			target = strings.TrimSuffix(parsed.Host, ":") + map[bool]string{false: ":80", true: ":443"}[secure]
		}
		shown = parsed.Scheme + "://" + target
	}
	if o.TLS != nil && !secure {
		return "", "", false, errors.New("TLS goes with an https:// address")
	}
	if o.MaxResponseBytes != 0 && o.MaxResponseBytes < 65_536 {
		return "", "", false, errors.New("MaxResponseBytes is 65,536 or more")
	}
	if o.KeepAlive != 0 && o.KeepAlive < 10*time.Second {
		return "", "", false, errors.New("KeepAlive is 10 s or more")
	}
	if utf8.RuneCountInString(o.ClientName) > 128 {
		return "", "", false, errors.New("ClientName has more than 128 characters")
	}
	return target, shown, secure, nil
}

func (o *Options) maxResponseBytes() int { return orElse(o.MaxResponseBytes, 16<<20) }

func (t *Thresholds) message() *loupev1.Thresholds {
	if t == nil {
		return nil
	}
	message := &loupev1.Thresholds{DefaultLow: t.Low == nil}
	if t.Low != nil {
		message.Low = float32(*t.Low)
	}
	if t.High != nil {
		message.High = float32(*t.High)
	}
	return message
}

func (m *Masks) message() *loupev1.MaskSettings {
	if m == nil {
		return nil
	}
	return &loupev1.MaskSettings{Policy: m.Policy, Encoding: m.Encoding, MaxBytes: m.MaxBytes}
}

func (t *Tiles) message() *loupev1.TileSettings {
	if t == nil {
		return nil
	}
	return &loupev1.TileSettings{
		Policy: t.Policy, MaxTiles: t.MaxTiles, BudgetMs: uint32(t.Budget.Milliseconds()), TilesPerFrame: t.PerFrame, WindowFrames: t.Window,
	}
}

func (o *OverTime) message() *loupev1.TemporalSettings {
	if o == nil {
		return nil
	}
	settings := &loupev1.TemporalSettings{Enabled: true, MaxFrames: o.MaxFrames, MinFrames: o.MinFrames}
	if o.Window != 0 {
		settings.Window = durationpb.New(o.Window)
	}
	return settings
}

func (a *Adaptation) message() *loupev1.AdaptationSettings {
	if a == nil {
		return nil
	}
	return &loupev1.AdaptationSettings{
		Enabled: true, LearningRate: a.LearningRate, StepsPerFrame: a.StepsPerFrame, MinConfidence: a.MinConfidence,
		EveryNth: a.EveryNth, DualVerdictEveryNth: a.DualVerdictEveryNth, Guard: a.Guard,
	}
}

func (o *SessionOptions) message(client *Options) (*loupev1.OpenSession, error) {
	if utf8.RuneCountInString(o.Name) > 128 {
		return nil, errors.New("Name has more than 128 characters")
	}
	if !utf8.ValidString(o.Name) {
		return nil, errors.New("Name is not UTF-8")
	}
	if o.MaxFramesInFlight < 0 || o.MaxFramesInFlight > 4096 {
		return nil, errors.New("MaxFramesInFlight is 1 to 4,096")
	}
	format, err := o.FrameFormat.message()
	if err != nil {
		return nil, err
	}
	opening := &loupev1.OpenSession{
		SessionName: o.Name, Model: o.Model, FrameFormat: format, Mask: o.Masks.message(), Tiles: o.Tiles.message(),
		Explain: o.Explain, Receipts: o.Receipts, Temporal: o.OverTime.message(), Thresholds: o.Thresholds.message(), Adaptation: o.Adaptation.message(),
		AdaptationSnapshot: o.AdaptationSnapshot, Economies: o.Economies, Deterministic: o.Deterministic, Unordered: o.Unordered,
		MaxResponseBytes: uint32(client.maxResponseBytes()), Client: orElse(client.ClientName, "loupe-grpc-go/"+Version), Resumable: !o.NoReconnect,
	}
	if o.Delivery != nil {
		opening.Delivery = &loupev1.DeliveryPolicy{Mode: o.Delivery.Mode}
		if o.Delivery.StalenessBudget != 0 {
			opening.Delivery.StalenessBudget = durationpb.New(o.Delivery.StalenessBudget)
		}
	}
	return opening, nil
}
