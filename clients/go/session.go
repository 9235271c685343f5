package loupegrpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	loupev1 "loupegrpc/loupe/v1"
)

// EOF is io.EOF: a session has no more outcomes, or events.
var EOF = io.EOF

const (
	// As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds.
	maxBreaksOverOneFrame = 5
	// For servers that do not say how long they keep a session.
	defaultWindow  = 30 * time.Second
	defaultCredits = 64
	// So long a session in which nothing is in flight may take to say goodbye.
	goodbye = time.Second
	// Frames handed over and not yet written: one on its way and one behind it.
	waitingToBeWritten = 2
	maxEvents          = 256
)

// Session takes frames and gives one outcome for each. Sending, controlling and receiving are independent of each other: any goroutine may do any.
//
// When the connection breaks the session goes on with another one. Where that cannot be, every frame in flight gets CodeConnectionLost, Receive gives
// io.EOF behind them, and Send and Complete give ErrConnectionLost.
type Session struct {
	// Grant is what the server granted at the opening: limits, model, what runs it, and what of the request is not available.
	Grant *loupev1.SessionGrant

	channel   *channel
	opening   *loupev1.OpenSession
	ctx       context.Context
	cancel    context.CancelFunc
	resumable bool
	// credits holds a place for each frame whose outcome was not taken, room one for each that waits to be written.
	credits, room chan struct{}
	// sending keeps frames in the order of their indexes while they are encoded. Taken before mutex.
	sending sync.Mutex
	// over is closed with the session, finished when its goroutines are done too.
	over, finished chan struct{}

	mutex sync.Mutex
	// changed is closed, and another one made, whenever something below changes that somebody may wait for.
	changed      chan struct{}
	ledger       *ledger
	outbox       []*entry
	events       []Event
	controls     map[uint64]chan *loupev1.ControlReply
	lastControl  uint64
	received     uint64
	reached      [3]uint64
	timesReached int
	outage       *outage
	summary      *loupev1.SessionSummary
	completing   bool
	halfClose    bool
	disposing    bool
	ended        bool
	fault        error
	logs         []func()
}

func openSession(ctx context.Context, channel *channel, options SessionOptions) (*Session, error) {
	opening, err := options.message(&channel.options)
	if err != nil {
		return nil, err
	}
	// From here on ctx is the session's own.
	ctx, cancel := context.WithCancel(ctx)
	var first *connection
	err = channel.connect(ctx, func() (err error) {
		first, err = channel.open(ctx, opening, attemptTimeout)
		return err
	})
	if err != nil {
		cancel()
		return nil, err
	}
	credits := orElse(options.MaxFramesInFlight, 64)
	if granted := orElse(int(first.grant.GetLimits().GetCredits()), defaultCredits); granted < credits {
		credits = granted
	}
	s := &Session{
		Grant: first.grant, channel: channel, opening: opening, ctx: ctx, cancel: cancel,
		resumable: !options.NoReconnect && len(first.grant.ResumeToken) > 0,
		credits:   make(chan struct{}, credits), room: make(chan struct{}, waitingToBeWritten),
		over: make(chan struct{}), finished: make(chan struct{}), changed: make(chan struct{}),
		ledger: newLedger(!options.Unordered), controls: map[uint64]chan *loupev1.ControlReply{},
	}
	go s.run(first)
	return s, nil
}

// Err says why the session ended before it was completed. nil while it runs and after a regular end.
func (s *Session) Err() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.fault
}

// Send sends a frame once there is room: at most the granted credits of frames are without an outcome taken by Receive, so call that beside. It returns
// the frame's index. From then on the frame has exactly one outcome; where Send gives an error, it has none. The frame's bytes are the caller's again.
func (s *Session) Send(ctx context.Context, frame Frame) (int, error) {
	if err := s.open(); errors.Is(err, ErrCompleting) {
		return 0, err
	}
	read, err := readImage(frame.Image)
	if err != nil {
		return 0, err
	}
	if err := s.acquire(ctx, s.credits); err != nil {
		return 0, err
	}
	if err := s.acquire(ctx, s.room); err != nil {
		<-s.credits
		return 0, err
	}
	// From here on nothing waits: the frame enters whole or not at all.
	index, err := s.enter(frame, read)
	if err != nil {
		<-s.room
		<-s.credits
	}
	return index, err
}

func (s *Session) enter(frame Frame, read picture) (int, error) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mutex.Lock()
	index := s.ledger.entered
	s.mutex.Unlock()
	id := uint64(index)
	if frame.ID != nil {
		id = *frame.ID
	}
	limit := s.Grant.GetLimits().GetMaxFrameBytes()
	tooLarge := limit > 0 && uint64(len(read.data)) > limit
	var data []byte
	if !tooLarge {
		var err error
		if data, err = proto.Marshal(frame.message(id, read)); err != nil {
			return 0, err
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.openLocked(); err != nil {
		return 0, err
	}
	if tooLarge {
		s.ledger.enterFailed(id, CodeTooLarge, tooLargeMessage(len(read.data), limit))
		<-s.room
	} else {
		s.outbox = append(s.outbox, s.ledger.enterFrame(id, data))
	}
	s.change()
	return index, nil
}

// acquire takes a place, unless the session is over or its caller gives up.
func (s *Session) acquire(ctx context.Context, places chan struct{}) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.over:
		return s.endedError()
	}
}

// Receive gives the next outcome, in the order of sending unless the session is unordered. io.EOF after the last one, when the session was completed,
// broke or was closed; the error of ctx when that was done first, and then the outcome is there for a later call.
func (s *Session) Receive(ctx context.Context) (Outcome, error) {
	for {
		s.mutex.Lock()
		if len(s.ledger.ready) > 0 {
			outcome := s.ledger.ready[0]
			s.ledger.ready[0] = nil
			s.ledger.ready = s.ledger.ready[1:]
			s.mutex.Unlock()
			<-s.credits
			return outcome, nil
		}
		closed, changed := s.ledger.closed, s.changed
		s.mutex.Unlock()
		if closed {
			return nil, EOF
		}
		if err := wait(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// NextEvent gives what happened to the session by itself, on the server and on the way to it. io.EOF after the session's end. Nobody has to ask: the 256
// latest are kept.
func (s *Session) NextEvent(ctx context.Context) (Event, error) {
	for {
		s.mutex.Lock()
		if len(s.events) > 0 {
			event := s.events[0]
			s.events = s.events[1:]
			s.mutex.Unlock()
			return event, nil
		}
		ended, changed := s.ended, s.changed
		s.mutex.Unlock()
		if ended {
			return nil, EOF
		}
		if err := wait(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// Complete says that no more frames come and waits for the server's account. Outcomes can still be received afterwards. ErrConnectionLost where the
// session broke before.
func (s *Session) Complete(ctx context.Context) (*loupev1.SessionSummary, error) {
	s.mutex.Lock()
	s.completing = true
	// A server that has answered a half-closed call forgets the session: what a connection that breaks then loses could not be asked for again.
	for s.resumable && !s.ledger.idle() && !s.ended {
		if err := s.waitLocked(ctx); err != nil {
			s.mutex.Unlock()
			return nil, err
		}
	}
	if !s.halfClose {
		s.halfClose = true
		s.change()
	}
	for s.summary == nil && !s.ended {
		if err := s.waitLocked(ctx); err != nil {
			s.mutex.Unlock()
			return nil, err
		}
	}
	defer s.mutex.Unlock()
	if s.summary != nil {
		return s.summary, nil
	}
	return nil, s.endedErrorLocked()
}

// Close ends the session at once when it was not completed: frames in flight get CodeCanceled. One that can be resumed and has frames in flight is left to
// the server, which keeps it for its resume window; one without is completed. The error is always nil.
func (s *Session) Close() error {
	s.mutex.Lock()
	quiet := s.resumable && s.ledger.idle() && !s.ended
	s.mutex.Unlock()
	if quiet {
		patience, done := context.WithTimeout(s.ctx, goodbye)
		_, _ = s.Complete(patience)
		done()
	}
	s.mutex.Lock()
	s.disposing = true
	s.mutex.Unlock()
	s.end(nil)
	s.cancel()
	<-s.finished
	return nil
}

// SetThresholds sets new thresholds from the next frame on. The reply says which hold.
func (s *Session) SetThresholds(ctx context.Context, thresholds Thresholds) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_SetThresholds{SetThresholds: thresholds.message()}})
}

// SetMasks sets new mask settings from the next frame on.
func (s *Session) SetMasks(ctx context.Context, masks Masks) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_SetMask{SetMask: masks.message()}})
}

// Flush waits until every frame sent before it has its outcome. Of every control: a *RequestError where the server did not carry it out.
func (s *Session) Flush(ctx context.Context) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_Flush{Flush: &loupev1.Flush{}}})
}

// SetAdaptation starts adapting, or changes how, from the next frame on; parameters stay as they are.
func (s *Session) SetAdaptation(ctx context.Context, adaptation Adaptation) (*loupev1.ControlReply, error) {
	settings := &loupev1.SetAdaptation{Settings: adaptation.message()}
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_SetAdaptation{SetAdaptation: settings}})
}

// FreezeAdaptation stops adapting; the parameters stay.
func (s *Session) FreezeAdaptation(ctx context.Context) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_FreezeAdaptation{FreezeAdaptation: &loupev1.FreezeAdaptation{}}})
}

// ResumeAdaptation goes on adapting after a freeze.
func (s *Session) ResumeAdaptation(ctx context.Context) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_ResumeAdaptation{ResumeAdaptation: &loupev1.ResumeAdaptation{}}})
}

// ResetAdaptation goes back to the base parameters, step 0.
func (s *Session) ResetAdaptation(ctx context.Context) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_ResetAdaptation{ResetAdaptation: &loupev1.ResetAdaptation{}}})
}

// RollbackAdaptation goes back to the last snapshot.
func (s *Session) RollbackAdaptation(ctx context.Context) (*loupev1.ControlReply, error) {
	target := &loupev1.RollbackAdaptation{Target: &loupev1.RollbackAdaptation_LastSnapshot{LastSnapshot: true}}
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_RollbackAdaptation{RollbackAdaptation: target}})
}

// RollbackAdaptationTo goes back to the state after so many optimiser steps, if the server still has it.
func (s *Session) RollbackAdaptationTo(ctx context.Context, step uint64) (*loupev1.ControlReply, error) {
	target := &loupev1.RollbackAdaptation{Target: &loupev1.RollbackAdaptation_Step{Step: step}}
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_RollbackAdaptation{RollbackAdaptation: target}})
}

// SnapshotAdaptation asks for the state that the frames sent before leave: Snapshot of the reply, for SessionOptions.AdaptationSnapshot.
func (s *Session) SnapshotAdaptation(ctx context.Context) (*loupev1.ControlReply, error) {
	return s.control(ctx, &loupev1.Control{Action: &loupev1.Control_SnapshotAdaptation{SnapshotAdaptation: &loupev1.SnapshotAdaptation{}}})
}

func (s *Session) control(ctx context.Context, control *loupev1.Control) (*loupev1.ControlReply, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	answer := make(chan *loupev1.ControlReply, 1)
	s.mutex.Lock()
	err := s.openLocked()
	if err == nil {
		control.ControlId = s.lastControl + 1
		var data []byte
		data, err = proto.Marshal(&loupev1.AnalyzeRequest{Payload: &loupev1.AnalyzeRequest_Control{Control: control}})
		if err == nil {
			s.lastControl++
			s.controls[control.ControlId] = answer
			s.outbox = append(s.outbox, s.ledger.enterControl(control.ControlId, data))
			s.change()
		}
	}
	s.mutex.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case reply := <-answer:
		return replied(reply)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.over:
		// Both may be there.
		select {
		case reply := <-answer:
			return replied(reply)
		default:
			return nil, s.endedError()
		}
	}
}

func replied(reply *loupev1.ControlReply) (*loupev1.ControlReply, error) {
	if reply.Failed != nil {
		return nil, &RequestError{toCode(reply.Failed.Code), reply.Failed.Message, nil}
	}
	return reply, nil
}

// run serves one connection after the other until the session is over.
func (s *Session) run(current *connection) {
	defer close(s.finished)
	var fault error
	for {
		s.mutex.Lock()
		received := s.received
		s.mutex.Unlock()
		var transport bool
		fault, transport = s.serve(current)
		s.mutex.Lock()
		if s.received > received {
			s.outage = nil
		}
		goesOn := transport && s.resumable && s.summary == nil && !s.disposing && s.ctx.Err() == nil
		s.mutex.Unlock()
		if !goesOn {
			break
		}
		next, err := s.resume(fault)
		if err != nil {
			fault = connectionLost(err, "%s, and the session could not be resumed: %s", fault, err)
			break
		}
		current = next
	}
	s.mutex.Lock()
	if s.completing && s.summary != nil {
		// A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
		fault = nil
	}
	s.mutex.Unlock()
	s.end(fault)
	s.cancel()
}

// serve writes and reads until the call is over: why, and whether only the way to the server broke.
func (s *Session) serve(current *connection) (fault error, transport bool) {
	written, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		s.write(current, stop)
	}()
	defer func() {
		// What comes behind the end was not received: the next connection brings it again.
		close(stop)
		current.cancel()
		<-written
	}()
	for {
		answer := &loupev1.AnalyzeResponse{}
		err := current.stream.RecvMsg(answer)
		switch {
		case err == nil:
			if fault := s.takeIn(answer); fault != nil {
				return fault, false
			}
		case isStatus(err):
			return toSessionFault(s.ctx, err, s.channel.shown), isTransport(err)
		default:
			return connectionLost(nil, "the server at %s ended the session before it was completed", s.channel.shown), false
		}
	}
}

// write sends what is in the outbox. A broken transport is not its business: the reader sees it too, and decides what becomes of the message.
func (s *Session) write(current *connection, stop <-chan struct{}) {
	for {
		s.mutex.Lock()
		for len(s.outbox) > 0 && s.outbox[0].data == nil {
			// It has its outcome already.
			s.outbox = s.outbox[1:]
		}
		if len(s.outbox) > 0 {
			next := s.outbox[0]
			s.outbox[0] = nil
			s.outbox = s.outbox[1:]
			data := next.data
			s.mutex.Unlock()
			if current.stream.SendMsg(data) != nil {
				return
			}
			s.mutex.Lock()
			if !s.resumable {
				next.data = nil
			}
			s.leaveRoom(next)
			s.mutex.Unlock()
			continue
		}
		halfClose, changed := s.halfClose, s.changed
		s.mutex.Unlock()
		if halfClose {
			_ = current.stream.CloseSend()
			return
		}
		select {
		case <-changed:
		case <-stop:
			return
		}
	}
}

func (s *Session) leaveRoom(e *entry) {
	if e.waiting {
		e.waiting = false
		<-s.room
	}
}

// takeIn says why the session cannot go on; nil: it can.
func (s *Session) takeIn(answer *loupev1.AnalyzeResponse) error {
	s.mutex.Lock()
	defer s.unlock()
	if s.ended {
		return nil
	}
	switch typed := answer.GetPayload().(type) {
	case *loupev1.AnalyzeResponse_Outcome:
		s.received++
		settled := s.ledger.settle(typed.Outcome)
		if settled == nil {
			return connectionLost(nil, "the server at %s broke the protocol: it sent an outcome for frame %d, which was not waiting for one",
				s.channel.shown, typed.Outcome.GetSequence())
		}
		s.leaveRoom(settled)
		s.change()
	case *loupev1.AnalyzeResponse_ControlReply:
		s.received++
		number := typed.ControlReply.GetControlId()
		s.ledger.settleControl(number)
		if waiting := s.controls[number]; waiting != nil {
			delete(s.controls, number)
			waiting <- typed.ControlReply
		}
		s.change()
	case *loupev1.AnalyzeResponse_Event:
		s.notify(&ServerEvent{typed.Event})
		if typed.Event.GetKind() == loupev1.SessionEventKind_SESSION_EVENT_KIND_TAKEN_OVER {
			// Taking it back would be a fight.
			return connectionLost(nil, "another connection took over the session at %s", s.channel.shown)
		}
		s.received++
	case *loupev1.AnalyzeResponse_Summary:
		if s.summary == nil {
			s.summary = typed.Summary
			s.change()
		}
	}
	// Other kinds are what a newer server may send.
	return nil
}

// resume gives the next connection; what the server lacks goes first. An error where there is none, or the server does not have the session any more.
func (s *Session) resume(why error) (*connection, error) {
	s.mutex.Lock()
	if s.outage == nil {
		window := defaultWindow
		if s.Grant.ResumeWindow != nil {
			window = s.Grant.ResumeWindow.AsDuration()
		}
		s.outage = &outage{started: time.Now(), window: window}
	}
	lost, received := s.outage, s.received
	frames, controls := s.ledger.answered()
	if lost.left() <= 0 {
		s.mutex.Unlock()
		return nil, connectionLost(why, "each new connection broke again: %s", longCalls)
	}
	s.notify(&Disconnected{why, lost.left()})
	s.unlock()

	// Nothing that a server which does not know the session any more would have to keep.
	opening := &loupev1.OpenSession{
		SessionName: s.opening.SessionName, MaxResponseBytes: s.opening.MaxResponseBytes, Client: s.opening.Client,
		ResumeToken: s.Grant.ResumeToken, ResponsesReceived: received,
		FramesAnswered: frames, ControlsAnswered: controls,
	}
	var next *connection
	err := s.channel.reconnect(s.ctx, lost, func() (err error) {
		next, err = s.channel.open(s.ctx, opening, reconnectTimeout)
		return err
	})
	if err != nil {
		return nil, err
	}
	grant := next.grant
	if !grant.Resumed {
		next.cancel()
		reason := "it was restarted, or its resume window has passed"
		for _, part := range grant.Unavailable {
			if part.Feature == "resume_token" {
				reason = part.Reason
			}
		}
		return nil, connectionLost(nil, "the server at %s does not have the session any more: %s", s.channel.shown, reason)
	}
	s.mutex.Lock()
	defer s.unlock()
	s.failWhatDoesNotPass(grant)
	arrived, missing := s.ledger.split(grant.NextSequence, grant.ControlsReceived)
	for _, e := range arrived {
		s.leaveRoom(e) // Although its writer was told otherwise.
	}
	s.outbox = missing
	again := 0
	for _, e := range missing {
		if e.isFrame {
			again++
		}
	}
	s.notify(&Resumed{lost.elapsed(), again})
	return next, nil
}

// failWhatDoesNotPass: a frame over which every connection breaks would take along all others, until the server's window has passed.
func (s *Session) failWhatDoesNotPass(grant *loupev1.SessionGrant) {
	reached := [3]uint64{grant.NextSequence, grant.ControlsReceived, s.received}
	if s.reached != reached {
		s.timesReached = 0
	}
	s.reached = reached
	s.timesReached++
	_, missing := s.ledger.split(grant.NextSequence, grant.ControlsReceived)
	if s.timesReached < maxBreaksOverOneFrame || len(missing) == 0 || !missing[0].isFrame {
		return
	}
	size := float64(len(missing[0].data)) / (1 << 20)
	s.ledger.withdraw(missing[0], CodeConnectionLost, fmt.Sprintf("the connection to %s broke %d times while this frame of %.1f MiB was sent: %s",
		s.channel.shown, s.timesReached, size, largeMessages))
	s.leaveRoom(missing[0])
	s.timesReached = 0
	s.change()
}

// notify is called with the mutex held.
func (s *Session) notify(event Event) {
	s.events = append(s.events, event)
	if len(s.events) > maxEvents {
		s.events = s.events[1:]
	}
	s.change()
	level := LevelInfo
	if _, ok := event.(*Disconnected); ok {
		level = LevelWarn
	}
	s.log(level, event.String())
}

func (s *Session) log(level int, message string) {
	if s.channel.options.Log != nil {
		s.logs = append(s.logs, func() {
			s.channel.options.Log(s.ctx, level, message, "session", s.Grant.SessionId, "name", s.opening.SessionName)
		})
	}
}

// unlock lets the mutex go, and then says what there is to say: who listens may ask the session.
func (s *Session) unlock() {
	logs := s.logs
	s.logs = nil
	s.mutex.Unlock()
	for _, log := range logs {
		log()
	}
}

func (s *Session) end(fault error) {
	s.mutex.Lock()
	defer s.unlock()
	if s.ended {
		return
	}
	canceled := s.disposing || (fault != nil && s.ctx.Err() != nil)
	if canceled {
		fault = connectionLost(s.ctx.Err(), "the session was closed")
	}
	s.fault, s.ended = fault, true
	code, message := CodeConnectionLost, "the server completed the session without an outcome for this frame"
	if canceled {
		code = CodeCanceled
	}
	if fault != nil {
		message = fault.Error()
		s.log(LevelInfo, "ended: "+message)
	}
	s.ledger.close(code, message)
	s.controls = map[uint64]chan *loupev1.ControlReply{}
	s.outbox = nil
	close(s.over)
	s.change()
}

// open says why the session takes nothing any more.
func (s *Session) open() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.openLocked()
}

func (s *Session) openLocked() error {
	if s.completing {
		return ErrCompleting
	}
	if s.ended {
		return s.endedErrorLocked()
	}
	return nil
}

func (s *Session) endedError() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.endedErrorLocked()
}

func (s *Session) endedErrorLocked() error {
	if s.fault == nil {
		return connectionLost(nil, "the session is over")
	}
	return connectionLost(s.fault, "%s", s.fault)
}

// change wakes who waits. Called with the mutex held.
func (s *Session) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// waitLocked lets the mutex go until something changed.
func (s *Session) waitLocked(ctx context.Context) error {
	changed := s.changed
	s.mutex.Unlock()
	err := wait(ctx, changed)
	s.mutex.Lock()
	return err
}

func wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func tooLargeMessage(size int, limit uint64) string {
	number := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(float64(limit)/(1<<20), 'f', 2, 64), "0"), ".")
	return fmt.Sprintf("the frame is %.1f MiB, and the limit is %s MiB (Loupe:Limits:MaxFrameBytes on the server)", float64(size)/(1<<20), number)
}
