package loupegrpc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	loupev1 "loupegrpc/loupe/v1"
)

type stream = loupev1.ForgeryAnalysisService_AnalyzeServer

func frame(id uint64) Frame { return Frame{Image: Encoded("x"), ID: ID(id)} }

func TestAServerThatLagsSlowsTheSenderDownToItsCredits(t *testing.T) {
	release := make(chan struct{})
	client, ctx := connectTo(t, Options{Address: fake(t, func(s stream) error {
		if _, err := s.Recv(); err != nil {
			return err
		}
		_ = s.Send(grant(&loupev1.SessionGrant{}))
		<-release
		for sequence := uint64(0); ; sequence++ {
			if _, err := s.Recv(); err != nil {
				return s.Send(summary(sequence))
			}
			_ = s.Send(result(sequence))
		}
	}).address})
	session := must(client.OpenSession(ctx, SessionOptions{}))(t)
	defer session.Close()
	for i := 0; i < 4; i++ {
		must(session.Send(ctx, frame(uint64(i))))(t)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := session.Send(short, frame(9)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the fifth frame was taken with four credits: %v", err)
	}
	if _, err := session.Receive(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("there is an outcome: %v", err)
	}
	close(release)
	if first := must(session.Receive(ctx))(t); first.Frame().Index != 0 {
		t.Fatalf("%+v", first)
	}
	// The frame that was given up was not taken.
	if index := must(session.Send(ctx, frame(5)))(t); index != 4 {
		t.Fatalf("index %d", index)
	}
	if account := must(session.Complete(ctx))(t); account.Frames != 5 {
		t.Fatalf("%v", account)
	}
	for i, outcome := range rest(t, ctx, session) {
		if outcome.Frame().Index != i+1 {
			t.Fatalf("%+v comes as number %d", outcome, i+1)
		}
	}
	if session.Err() != nil {
		t.Fatal(session.Err())
	}
	if _, err := session.Send(ctx, frame(6)); !errors.Is(err, ErrCompleting) {
		t.Fatal(err)
	}
}

func TestAResumedSessionSendsWhatTheServerLacksAndNothingElse(t *testing.T) {
	var claimed, again *loupev1.AnalyzeRequest
	server := fake(t, func(s stream) error {
		_, _ = s.Recv()
		_ = s.Send(grant(&loupev1.SessionGrant{ResumeToken: token}))
		for i := 0; i < 3; i++ {
			_, _ = s.Recv()
		}
		_ = s.Send(result(0))
		return status.Error(codes.Unavailable, "gone")
	}, func(s stream) error {
		claimed, _ = s.Recv()
		_ = s.Send(grant(&loupev1.SessionGrant{ResumeToken: token, Resumed: true, NextSequence: 2}))
		_ = s.Send(result(1))
		again, _ = s.Recv()
		_ = s.Send(result(2))
		if request, err := s.Recv(); !errors.Is(err, io.EOF) {
			return status.Errorf(codes.Internal, "%v came too", request)
		}
		return s.Send(summary(3))
	})
	var logged []string
	client, ctx := connectTo(t, Options{
		Address: server.address, CallHeaders: func(ctx context.Context) map[string]string {
			trace, _ := ctx.Value(traceKey{}).(string)
			return map[string]string{"traceparent": trace}
		},
		Log: func(_ context.Context, level int, message string, keysAndValues ...interface{}) {
			logged = append(logged, message)
		},
	})
	session := must(client.OpenSession(context.WithValue(ctx, traceKey{}, "00-abc"), SessionOptions{Name: "gate 4/née"}))(t)
	for i := 0; i < 3; i++ {
		must(session.Send(ctx, frame(uint64(i))))(t)
	}
	must(session.Complete(ctx))(t)
	outcomes := rest(t, ctx, session)
	_ = session.Close()
	if len(outcomes) != 3 || session.Err() != nil {
		t.Fatalf("%v, %v", outcomes, session.Err())
	}
	for i, outcome := range outcomes {
		if _, ok := outcome.(*Result); !ok || outcome.Frame().FrameID != uint64(i) {
			t.Fatalf("%d: %v", i, outcome)
		}
	}
	if claimed.GetOpen().GetResponsesReceived() != 1 || again.GetFrame().GetFrameId() != 2 {
		t.Fatalf("%v, %v", claimed, again)
	}
	for _, headers := range server.metadata {
		if headers.Get("traceparent")[0] != "00-abc" || headers.Get("loupe-session")[0] != "gate%204%2Fn%C3%A9e" {
			t.Fatalf("%v", headers)
		}
	}
	if len(server.metadata) != 2 || len(logged) != 2 || !strings.HasPrefix(logged[0], "disconnected") || !strings.HasPrefix(logged[1], "resumed") {
		t.Fatalf("%d calls, %v", len(server.metadata), logged)
	}
	first, second := must(session.NextEvent(ctx))(t), must(session.NextEvent(ctx))(t)
	if _, ok := first.(*Disconnected); !ok {
		t.Fatalf("%v", first)
	}
	if event, ok := second.(*Resumed); !ok || event.FramesSentAgain != 1 {
		t.Fatalf("%v", second)
	}
}

type traceKey struct{}

func TestAFrameOverWhichEveryConnectionBreaksIsGivenUpAndTheRestGoesOn(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: fake(t, func(s stream) error {
		_, _ = s.Recv()
		_ = s.Send(grant(&loupev1.SessionGrant{ResumeToken: token}))
		_, _ = s.Recv()
		return status.Error(codes.Unavailable, "gone")
	}, func(s stream) error {
		_, _ = s.Recv()
		_ = s.Send(grant(&loupev1.SessionGrant{ResumeToken: token, Resumed: true}))
		if request, _ := s.Recv(); request.GetFrame().GetFrameId() == 0 {
			return status.Error(codes.Unavailable, "gone")
		}
		_ = s.Send(result(0))
		_, _ = s.Recv()
		return s.Send(summary(1))
	}).address})
	session := must(client.OpenSession(ctx, SessionOptions{}))(t)
	defer session.Close()
	must(session.Send(ctx, frame(0)))(t)
	must(session.Send(ctx, frame(1)))(t)
	must(session.Complete(ctx))(t)
	outcomes := rest(t, ctx, session)
	failed, ok := outcomes[0].(*Failed)
	if !ok || failed.Code != CodeConnectionLost || !strings.Contains(failed.Message, "client_max_body_size") {
		t.Fatalf("%v", outcomes[0])
	}
	if found, ok := outcomes[1].(*Result); !ok || found.FrameID != 1 || session.Err() != nil {
		t.Fatalf("%v, %v", outcomes[1], session.Err())
	}
}

func TestWhenItsContextIsDoneASessionIsOver(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: fake(t, func(s stream) error {
		_, _ = s.Recv()
		_ = s.Send(grant(&loupev1.SessionGrant{ResumeToken: token}))
		<-s.Context().Done()
		return s.Context().Err()
	}).address})
	own, cancel := context.WithCancel(ctx)
	session := must(client.OpenSession(own, SessionOptions{}))(t)
	must(session.Send(ctx, frame(0)))(t)
	cancel()
	outcomes := rest(t, ctx, session)
	if failed, ok := outcomes[0].(*Failed); !ok || failed.Code != CodeCanceled {
		t.Fatalf("%v", outcomes[0])
	}
	if err := session.Err(); !errors.Is(err, ErrConnectionLost) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := session.Flush(ctx); !errors.Is(err, ErrConnectionLost) {
		t.Fatal(err)
	}
	_ = session.Close()
}

func TestALogMayAskTheSession(t *testing.T) {
	var session *Session
	opened := make(chan struct{})
	client, ctx := connectTo(t, Options{
		Address: fake(t, func(s stream) error {
			_, _ = s.Recv()
			_ = s.Send(grant(&loupev1.SessionGrant{}))
			_, _ = s.Recv()
			return status.Error(codes.Aborted, "an operator ended it")
		}).address,
		Log: func(context.Context, int, string, ...interface{}) {
			<-opened
			_ = session.Err()
		},
	})
	session = must(client.OpenSession(ctx, SessionOptions{}))(t)
	close(opened)
	must(session.Send(ctx, frame(0)))(t)
	rest(t, ctx, session)
	if err := session.Err(); err == nil || !strings.Contains(err.Error(), "an operator ended it") {
		t.Fatal(err)
	}
}

func TestRefusalsKeepTheirCodes(t *testing.T) {
	detailed, err := status.New(codes.ResourceExhausted, "no room").WithDetails(
		&loupev1.Failed{Code: loupev1.FailureCode_FAILURE_CODE_OVERLOADED, Message: "no room: Loupe:Limits:MaxSessions"})
	if err != nil {
		t.Fatal(err)
	}
	client, ctx := connectTo(t, Options{Address: fake(t,
		func(stream) error { return detailed.Err() },
		func(stream) error { return status.Error(codes.Unauthenticated, "a key is missing") },
		func(s stream) error { return s.Send(summary(0)) },
	).address})
	var refused *RequestError
	if _, err := client.OpenSession(ctx, SessionOptions{}); !errors.As(err, &refused) || refused.Code != CodeOverloaded || !strings.Contains(err.Error(), "MaxSessions") {
		t.Fatal(err)
	}
	if _, err := client.OpenSession(ctx, SessionOptions{}); !errors.Is(err, ErrNotAllowed) || !errors.As(err, &refused) || refused.Code != CodeNotAllowed {
		t.Fatal(err)
	}
	if _, err := client.OpenSession(ctx, SessionOptions{}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "another version") {
		t.Fatal(err)
	}
}

func TestHeadersAndKeysGoAlong(t *testing.T) {
	server := fake(t, answerAll)
	client, ctx := connectTo(t, Options{Address: server.address, Key: "s3cret", Headers: map[string]string{"X-Tenant": "a"}})
	ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", "b")
	must(client.ServerInfo(ctx))(t)
	session := must(client.OpenSession(ctx, SessionOptions{}))(t)
	_ = session.Close()
	if len(server.metadata) != 2 {
		t.Fatal(server.metadata)
	}
	for _, headers := range server.metadata {
		if headers.Get("authorization")[0] != "Bearer s3cret" || headers.Get("x-tenant")[0] != "a" || headers.Get("tracestate")[0] != "b" {
			t.Fatalf("%v", headers)
		}
	}
}

func TestAnErrorOfTheReaderEndsAnalyze(t *testing.T) {
	client, ctx := connectTo(t, Options{Address: fake(t, answerAll).address})
	enough := errors.New("enough")
	frames := make(chan Frame, 3)
	for i := 0; i < 3; i++ {
		frames <- frame(uint64(i))
	}
	if _, err := client.Analyze(ctx, frames, SessionOptions{}, func(Outcome) error { return enough }); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	lost := make(chan Frame, 2)
	lost <- frame(0)
	lost <- Frame{Image: File("no/such/file.jpg")}
	count := 0
	_, err := client.Analyze(ctx, lost, SessionOptions{}, func(Outcome) error { count++; return nil })
	if err == nil || !strings.Contains(err.Error(), "no/such/file.jpg") || count != 1 {
		t.Fatalf("%d outcomes, %v", count, err)
	}
}

func TestNobodyThereIsToldAfterTheConnectTimeout(t *testing.T) {
	started := time.Now()
	_, err := Connect(context.Background(), Options{Address: "http://127.0.0.1:9", ConnectTimeout: 300 * time.Millisecond})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "is it running") || time.Since(started) > 20*time.Second {
		t.Fatalf("%v after %s", err, time.Since(started))
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	tls := must(LoadTLS("", "", ""))(t)
	for _, options := range []Options{
		{Address: "127.0.0.1:5005"}, {Address: "ftp://host"}, {Address: "http://"}, {TLS: tls}, {MaxResponseBytes: 1}, {KeepAlive: time.Second},
	} {
		if _, err := NewClient(options); err == nil {
			t.Errorf("%+v is taken", options)
		}
	}
	for address, expected := range map[string]string{"": "127.0.0.1:5005", "http://[::1]:5005": "[::1]:5005", "https://host": "host:443", "unix:/run/l.sock": "unix:/run/l.sock"} {
		if target, _, _, err := (&Options{Address: address}).target(); err != nil || target != expected {
			t.Errorf("%s is %s: %v", address, target, err)
		}
	}
	client, ctx := connectTo(t, Options{})
	for _, options := range []SessionOptions{{MaxFramesInFlight: -1}, {MaxFramesInFlight: 5000}, {Name: strings.Repeat("x", 129)}, {FrameFormat: &FrameFormat{Width: -1}}} {
		if _, err := client.OpenSession(ctx, options); err == nil || errors.Is(err, ErrUnavailable) {
			t.Errorf("%+v: %v", options, err)
		}
	}
	if _, err := client.AnalyzeImage(ctx, nil, ImageOptions{}); err == nil || errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}
