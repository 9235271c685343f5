package loupegrpc

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	loupev1 "loupegrpc/loupe/v1"
)

// script plays one Analyze call; its error is the call's.
type script func(stream loupev1.ForgeryAnalysisService_AnalyzeServer) error

// fakeServer plays the n-th script on the n-th call, and the last on all that follow.
type fakeServer struct {
	loupev1.UnimplementedForgeryAnalysisServiceServer
	scripts  []script
	address  string
	mutex    sync.Mutex
	calls    int
	metadata []metadata.MD
}

func fake(t *testing.T, scripts ...script) *fakeServer {
	t.Helper()
	return serve(t, "http://", scripts)
}

func serve(t *testing.T, scheme string, scripts []script, options ...grpc.ServerOption) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{scripts: scripts, address: scheme + listener.Addr().String()}
	server := grpc.NewServer(options...)
	loupev1.RegisterForgeryAnalysisServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return f
}

func (f *fakeServer) heard(ctx context.Context) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	f.metadata = append(f.metadata, headers)
	return len(f.metadata)
}

func (f *fakeServer) Analyze(stream loupev1.ForgeryAnalysisService_AnalyzeServer) error {
	f.heard(stream.Context())
	f.mutex.Lock()
	at := f.calls
	f.calls++
	f.mutex.Unlock()
	if at >= len(f.scripts) {
		at = len(f.scripts) - 1
	}
	return f.scripts[at](stream)
}

func (f *fakeServer) GetServerInfo(ctx context.Context, _ *loupev1.GetServerInfoRequest) (*loupev1.GetServerInfoResponse, error) {
	f.heard(ctx)
	return &loupev1.GetServerInfoResponse{Server: "fake"}, nil
}

var token = []byte("tttttttttttttttttttttttttttttttt")

func grant(with *loupev1.SessionGrant) *loupev1.AnalyzeResponse {
	granted := &loupev1.SessionGrant{
		SessionId: "fake", Limits: &loupev1.Limits{Credits: 4}, ResumeToken: with.ResumeToken, Resumed: with.Resumed, NextSequence: with.NextSequence,
		Unavailable: with.Unavailable,
	}
	return &loupev1.AnalyzeResponse{Payload: &loupev1.AnalyzeResponse_Granted{Granted: granted}}
}

func result(sequence uint64) *loupev1.AnalyzeResponse {
	outcome := &loupev1.FrameOutcome{Sequence: sequence, Outcome: &loupev1.FrameOutcome_Result{Result: &loupev1.FrameResult{Score: 0.5}}}
	return &loupev1.AnalyzeResponse{Payload: &loupev1.AnalyzeResponse_Outcome{Outcome: outcome}}
}

func summary(frames uint64) *loupev1.AnalyzeResponse {
	return &loupev1.AnalyzeResponse{Payload: &loupev1.AnalyzeResponse_Summary{Summary: &loupev1.SessionSummary{Frames: frames}}}
}

// answerAll grants, answers every frame, and gives the summary.
func answerAll(stream loupev1.ForgeryAnalysisService_AnalyzeServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	_ = stream.Send(grant(&loupev1.SessionGrant{}))
	for sequence := uint64(0); ; sequence++ {
		if _, err := stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return stream.Send(summary(sequence))
			}
			return err
		}
		if err := stream.Send(result(sequence)); err != nil {
			return err
		}
	}
}

func connectTo(t *testing.T, options Options) (*Client, context.Context) {
	t.Helper()
	client, err := NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return client, ctx
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// rest receives until the session is over.
func rest(t *testing.T, ctx context.Context, session *Session) []Outcome {
	t.Helper()
	var outcomes []Outcome
	for {
		outcome, err := session.Receive(ctx)
		if errors.Is(err, EOF) {
			return outcomes
		}
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, outcome)
	}
}
