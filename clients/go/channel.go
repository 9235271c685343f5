package loupegrpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	loupev1 "loupegrpc/loupe/v1"
)

const (
	// A server that took the connection may be busy; one that says nothing for so long is none.
	attemptTimeout = 60 * time.Second
	// A session's window may be short, and a way that leads nowhere must not eat it up.
	reconnectTimeout = 10 * time.Second
	maxPause         = 2 * time.Second
	service          = "/loupe.v1.ForgeryAnalysisService/"
)

// channel is one gRPC connection, the calls of the service, and when they are tried again.
type channel struct {
	options Options
	shown   string
	conn    *grpc.ClientConn
}

// rawCodec lets requests come as bytes: a session keeps what it may have to send again.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(value interface{}) ([]byte, error) {
	switch typed := value.(type) {
	case []byte:
		return typed, nil
	case proto.Message:
		return proto.Marshal(typed)
	}
	return nil, fmt.Errorf("%T is no message", value)
}

func (rawCodec) Unmarshal(data []byte, value interface{}) error {
	message, ok := value.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", value)
	}
	return proto.Unmarshal(data, message)
}

func newChannel(options Options) (*channel, error) {
	target, shown, secure, err := options.target()
	if err != nil {
		return nil, err
	}
	security := grpc.WithInsecure()
	if secure {
		security = grpc.WithTransportCredentials(credentials.NewTLS(options.TLS))
	}
	dial := []grpc.DialOption{
		security,
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(options.maxResponseBytes()), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: orElse(options.KeepAlive, 20*time.Second), Timeout: 10 * time.Second}),
		// Ours are the pauses between attempts, and ours is what is sent again.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDisableRetry(),
	}
	if !secure {
		// A proxy from the environment cannot carry HTTP/2 without TLS.
		dial = append(dial, grpc.WithNoProxy())
	}
	conn, err := grpc.Dial(target, append(dial, options.DialOptions...)...)
	if err != nil {
		return nil, err
	}
	return &channel{options, shown, conn}, nil
}

func (c *channel) headers(ctx context.Context, own map[string]string) context.Context {
	headers, _ := metadata.FromOutgoingContext(ctx)
	headers = headers.Copy()
	set := func(values map[string]string) {
		for name, value := range values {
			headers.Set(name, value)
		}
	}
	set(own)
	set(c.options.Headers)
	if c.options.CallHeaders != nil {
		set(c.options.CallHeaders(ctx))
	}
	if c.options.Key != "" {
		headers.Set("authorization", "Bearer "+c.options.Key)
	}
	return metadata.NewOutgoingContext(ctx, headers)
}

func (c *channel) serverInfo(ctx context.Context) (*loupev1.GetServerInfoResponse, error) {
	answer := &loupev1.GetServerInfoResponse{}
	return answer, c.conn.Invoke(c.headers(ctx, nil), service+"GetServerInfo", &loupev1.GetServerInfoRequest{}, answer)
}

func (c *channel) analyzeImage(ctx context.Context, request *loupev1.AnalyzeImageRequest) (*loupev1.AnalyzeImageResponse, error) {
	answer := &loupev1.AnalyzeImageResponse{}
	return answer, c.conn.Invoke(c.headers(ctx, nil), service+"AnalyzeImage", request, answer)
}

// connect tries until the server answers; no attempt begins once ConnectTimeout has passed.
func (c *channel) connect(ctx context.Context, attempt func() error) error {
	timeout := orElse(c.options.ConnectTimeout, 10*time.Second)
	started := time.Now()
	for tries := 0; ; tries++ {
		err := attempt()
		if err == nil {
			return nil
		}
		left := timeout - time.Since(started)
		if ctx.Err() != nil || left <= 0 || !passing(err) {
			return c.asError(ctx, err)
		}
		if err := sleep(ctx, least(pause(tries), left)); err != nil {
			return err
		}
	}
}

// call makes a call outside sessions: tried again where the server cannot have taken it.
func (c *channel) call(ctx context.Context, attempt func() error) error {
	retries := orElse(c.options.UnaryRetries, 3)
	for tries := 0; ; tries++ {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || status.Code(err) != codes.Unavailable || tries >= retries {
			return c.asError(ctx, err)
		}
		if err := sleep(ctx, pause(tries+1)); err != nil {
			return err
		}
	}
}

// reconnect tries until a connection is there; no attempt begins once the outage has lasted as long as it may.
func (c *channel) reconnect(ctx context.Context, outage *outage, attempt func() error) error {
	if outage.attempts > 0 {
		// The connection before this one was of no use.
		if err := sleep(ctx, least(pause(outage.attempts), outage.left())); err != nil {
			return err
		}
	}
	outage.attempts++
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !passing(err) || outage.left() <= 0 {
			return c.asError(ctx, err)
		}
		if err := sleep(ctx, least(pause(outage.attempts), outage.left())); err != nil {
			return err
		}
		outage.attempts++
	}
}

// silence: the server took the connection and said nothing.
type silence struct{ address string }

func (s silence) Error() string { return s.address + " takes connections but does not answer" }

// passing: another attempt may do better.
func passing(err error) bool {
	if _, ok := err.(silence); ok {
		return true
	}
	return isStatus(err) && isTransport(err)
}

func isStatus(err error) bool {
	var told interface{ GRPCStatus() *status.Status }
	return errors.As(err, &told)
}

func (c *channel) asError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s, ok := err.(silence); ok {
		return unavailable(nil, "%s", s.Error())
	}
	if isStatus(err) {
		return toError(ctx, err, c.shown)
	}
	return err
}

// outage is a time without a useful connection: from the first break until a connection brought an answer.
type outage struct {
	attempts int
	started  time.Time
	window   time.Duration
}

func (o *outage) elapsed() time.Duration { return time.Since(o.started) }
func (o *outage) left() time.Duration    { return o.window - o.elapsed() }

// pause is 0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once.
func pause(attempt int) time.Duration {
	if attempt > 10 {
		attempt = 10
	}
	return time.Duration(float64(least(100*time.Millisecond<<attempt, maxPause)) * (0.75 + rand.Float64()/2))
}

func least(one, other time.Duration) time.Duration {
	if one < other {
		return one
	}
	return other
}

func sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connection is one call, once it was granted.
type connection struct {
	stream grpc.ClientStream
	grant  *loupev1.SessionGrant
	cancel context.CancelFunc
}

// open makes a call and waits for its grant, at most so long.
func (c *channel) open(ctx context.Context, opening *loupev1.OpenSession, timeout time.Duration) (*connection, error) {
	var own map[string]string
	if opening.SessionName != "" {
		// Header values are ASCII; balancers only hash them.
		own = map[string]string{"loupe-session": escape(opening.SessionName)}
	}
	ctx, cancel := context.WithCancel(c.headers(ctx, own))
	timer := time.AfterFunc(timeout, cancel)
	grant, stream, err := c.granted(ctx, opening)
	inTime := timer.Stop()
	if err == nil && inTime {
		return &connection{stream, grant, cancel}, nil
	}
	cancel()
	if !inTime {
		return nil, silence{c.shown}
	}
	return nil, err
}

func (c *channel) granted(ctx context.Context, opening *loupev1.OpenSession) (*loupev1.SessionGrant, grpc.ClientStream, error) {
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "Analyze", ServerStreams: true, ClientStreams: true}, service+"Analyze")
	if err != nil {
		return nil, nil, err
	}
	// Where sending fails, receiving says why.
	_ = stream.SendMsg(&loupev1.AnalyzeRequest{Payload: &loupev1.AnalyzeRequest_Open{Open: opening}})
	answer := &loupev1.AnalyzeResponse{}
	if err := stream.RecvMsg(answer); isStatus(err) {
		return nil, nil, err
	}
	if answer.GetGranted() == nil {
		return nil, nil, unavailable(nil, "the server at %s did not grant the session: it speaks another version of loupe.v1", c.shown)
	}
	return answer.GetGranted(), stream, nil
}

// escape is encodeURIComponent, as the other clients write it.
func escape(text string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"
	var escaped []byte
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(plain, text[i]) >= 0 {
			escaped = append(escaped, text[i])
		} else {
			escaped = append(escaped, fmt.Sprintf("%%%02X", text[i])...)
		}
	}
	return string(escaped)
}
