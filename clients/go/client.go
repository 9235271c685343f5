// Package loupegrpc is the client of a LoupeGrpc server: frames and pictures in, forgery scores and masks out.
//
// A Client makes sessions; a Session takes frames and answers every one exactly once, in order, and goes on by itself where its connection breaks.
// loupegrpc/loupe/v1 has the contract's own messages.
package loupegrpc

import (
	"context"
	"errors"
	"fmt"

	loupev1 "loupegrpc/loupe/v1"
)

// Client is the connection to one LoupeGrpc server. Safe for use by several goroutines; meant to live as long as the program.
type Client struct {
	channel *channel
}

// NewClient makes a client, which connects with its first call. An error where the options make no sense.
func NewClient(options Options) (*Client, error) {
	channel, err := newChannel(options)
	if err != nil {
		return nil, err
	}
	return &Client{channel}, nil
}

// Connect makes a client whose server has answered; waits for it up to Options.ConnectTimeout. ErrUnavailable where it did not.
func Connect(ctx context.Context, options Options) (*Client, error) {
	client, err := NewClient(options)
	if err != nil {
		return nil, err
	}
	err = client.channel.connect(ctx, func() error {
		limited, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		_, err := client.channel.serverInfo(limited)
		if err != nil && ctx.Err() == nil && limited.Err() != nil {
			return silence{client.channel.shown}
		}
		return err
	})
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// Address is the server's, as messages show it.
func (c *Client) Address() string { return c.channel.shown }

// Close breaks the sessions that are still open.
func (c *Client) Close() error { return c.channel.conn.Close() }

// ServerInfo says what is served, by what, and within which limits. ErrUnavailable: there is no server.
func (c *Client) ServerInfo(ctx context.Context) (info *loupev1.GetServerInfoResponse, err error) {
	err = c.channel.call(ctx, func() (err error) {
		info, err = c.channel.serverInfo(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return info, nil
}

// ImageOptions are for AnalyzeImage; each that is nil is the server's.
type ImageOptions struct {
	Thresholds *Thresholds
	Masks      *Masks
	Tiles      *Tiles
	// Explain is the language of the Explanation, en or zh. Default (empty): none, the result has no sentences.
	Explain string
	// Receipt asks the server to sign one: Analysis.Receipt.
	Receipt bool
	// Model is one of the server's, by name. Default (empty): its first.
	Model string
}

// AnalyzeImage analyses one picture outside any session. A *RequestError: the server cannot, and its code says why. ErrUnavailable: there is no server.
func (c *Client) AnalyzeImage(ctx context.Context, image Image, options ImageOptions) (*Analysis, error) {
	read, err := readImage(image)
	if err != nil {
		return nil, err
	}
	request := &loupev1.AnalyzeImageRequest{
		Thresholds: options.Thresholds.message(), Mask: options.Masks.message(), Tiles: options.Tiles.message(), Explain: options.Explain,
		Receipt: options.Receipt, Model: options.Model,
	}
	if read.raw {
		request.Image = &loupev1.AnalyzeImageRequest_Raw{Raw: &loupev1.RawImage{Format: read.format, Data: read.data}}
	} else {
		request.Image = &loupev1.AnalyzeImageRequest_Encoded{Encoded: &loupev1.EncodedImage{Data: read.data}}
	}
	var answer *loupev1.AnalyzeImageResponse
	err = c.channel.call(ctx, func() (err error) {
		answer, err = c.channel.analyzeImage(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	if answer.Result == nil {
		return nil, unavailable(nil, "the server at %s answered without a result", c.Address())
	}
	return toAnalysis(answer.Result), nil
}

// OpenSession opens a session; tried again up to Options.ConnectTimeout while the server cannot be reached. A *RequestError: the server refused it.
// The session lives as long as ctx does: once that is done, it is as after Close.
func (c *Client) OpenSession(ctx context.Context, options SessionOptions) (*Session, error) {
	return openSession(ctx, c.channel, options)
}

// Analyze analyses frames in a session of their own, until the channel is closed: sends as many as the server lets it, calls each with every outcome, in
// order, and completes the session. It returns the session's account, once everything was handed over.
//
// ErrConnectionLost: the session broke. An error of each ends it at once and is returned; so does ctx. A frame that cannot be read ends it behind the
// outcomes of those before. After an error nobody reads from frames: let the sender watch ctx, or a context that it is told to give up by.
func (c *Client) Analyze(ctx context.Context, frames <-chan Frame, options SessionOptions, each func(Outcome) error) (*loupev1.SessionSummary, error) {
	session, err := c.OpenSession(ctx, options)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	type end struct {
		summary *loupev1.SessionSummary
		err     error
	}
	sent := make(chan end, 1)
	go func() {
		broken := session.sendAll(ctx, frames)
		// Also after a source that failed: the frames already sent have outcomes to come.
		summary, err := session.Complete(ctx)
		if broken != nil {
			err = broken
		}
		sent <- end{summary, err}
	}()
	for {
		outcome, err := session.Receive(ctx)
		if errors.Is(err, EOF) {
			break
		}
		if err == nil {
			err = each(outcome)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := session.Err(); err != nil {
		return nil, err
	}
	done := <-sent
	return done.summary, done.err
}

func (s *Session) sendAll(ctx context.Context, frames <-chan Frame) error {
	for {
		select {
		case frame, open := <-frames:
			if !open {
				return nil
			}
			if _, err := s.Send(ctx, frame); err != nil {
				return fmt.Errorf("a frame was not sent: %w", err)
			}
		case <-s.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
