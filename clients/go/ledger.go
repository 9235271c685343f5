package loupegrpc

import (
	"container/list"
	"sort"

	loupev1 "loupegrpc/loupe/v1"
)

// entry is a frame or control on its way.
type entry struct {
	// data is what goes over the wire; kept until the answer is there where the session can be resumed.
	data []byte
	// number of a frame: the server's, from 0. Of a control: how many were sent before it, plus one.
	number  uint64
	isFrame bool
	info    FrameInfo
	// waiting: it takes a place among those that wait to be written.
	waiting bool
	outcome Outcome
	place   *list.Element
}

// ledger knows what a session sent and got: every frame that entered leaves exactly once, and what a new connection has to send again is known.
// It knows no transport and no lock, and is bounded by the session's credits.
type ledger struct {
	ordered bool
	// ready are outcomes that nobody took yet.
	ready        []Outcome
	closed       bool
	frames       map[uint64]*entry
	controls     map[uint64]*entry
	inOrder      list.List
	unanswered   list.List
	nextSequence uint64
	entered      int
	lastControl  uint64
}

func newLedger(ordered bool) *ledger {
	return &ledger{ordered: ordered, frames: map[uint64]*entry{}, controls: map[uint64]*entry{}}
}

// idle: nothing waits for the server.
func (l *ledger) idle() bool { return l.unanswered.Len() == 0 }

// enterFrame enters a frame that is about to be sent. Call it in the order of sending.
func (l *ledger) enterFrame(id uint64, data []byte) *entry {
	e := l.enter(&entry{data: data, number: l.nextSequence, isFrame: true, info: FrameInfo{id, l.entered, int64(l.nextSequence)}, waiting: true})
	l.nextSequence++
	l.frames[e.number] = e
	e.place = l.unanswered.PushBack(e)
	return e
}

// enterFailed enters a frame that will not be sent, with its outcome.
func (l *ledger) enterFailed(id uint64, code FailureCode, message string) {
	e := l.enter(&entry{isFrame: true, info: FrameInfo{id, l.entered, -1}})
	l.settleAs(e, &Failed{e.info, code, message})
}

func (l *ledger) enterControl(number uint64, data []byte) *entry {
	e := &entry{data: data, number: number}
	l.controls[number] = e
	l.lastControl = number
	e.place = l.unanswered.PushBack(e)
	return e
}

// settle gives a frame the outcome that the server answered; nil when no frame with its number waits for one.
func (l *ledger) settle(answer *loupev1.FrameOutcome) *entry {
	e := l.frames[answer.GetSequence()]
	if e != nil {
		delete(l.frames, e.number)
		l.unanswered.Remove(e.place)
		l.settleAs(e, toOutcome(e.info, answer))
	}
	return e
}

// settleControl does nothing for unknown numbers.
func (l *ledger) settleControl(number uint64) {
	if e := l.controls[number]; e != nil {
		delete(l.controls, number)
		l.unanswered.Remove(e.place)
	}
}

// answered gives the first frame without an outcome, or else the next one, and how many controls have their reply.
func (l *ledger) answered() (frames, controls uint64) {
	frames, controls = l.nextSequence, l.lastControl
	for number := range l.frames {
		if number < frames {
			frames = number
		}
	}
	for number := range l.controls {
		if number <= controls {
			controls = number - 1
		}
	}
	return frames, controls
}

// split gives what arrived and what never did, of all that has no answer, in the order of sending.
func (l *ledger) split(nextSequence, controlsReceived uint64) (arrived, missing []*entry) {
	for at := l.unanswered.Front(); at != nil; at = at.Next() {
		e := at.Value.(*entry)
		if (e.isFrame && e.number >= nextSequence) || (!e.isFrame && e.number > controlsReceived) {
			missing = append(missing, e)
		} else {
			arrived = append(arrived, e)
		}
	}
	return arrived, missing
}

// withdraw ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones.
func (l *ledger) withdraw(e *entry, code FailureCode, message string) {
	from := e.number
	delete(l.frames, from)
	l.unanswered.Remove(e.place)
	l.settleAs(e, &Failed{e.info, code, message})
	for number := from + 1; number < l.nextSequence; number++ {
		if moved := l.frames[number]; moved != nil {
			delete(l.frames, number)
			moved.number--
			moved.info.Sequence--
			l.frames[moved.number] = moved
		}
	}
	l.nextSequence--
}

// close ends every frame that still waits and lets no other in.
func (l *ledger) close(code FailureCode, message string) {
	if l.closed {
		return
	}
	var left []*entry
	for _, e := range l.frames {
		left = append(left, e)
	}
	sort.Slice(left, func(i, j int) bool { return left[i].info.Index < left[j].info.Index })
	for _, e := range left {
		l.settleAs(e, &Failed{e.info, code, message})
	}
	l.frames, l.controls = map[uint64]*entry{}, map[uint64]*entry{}
	l.unanswered.Init()
	l.closed = true
}

func (l *ledger) enter(e *entry) *entry {
	l.entered++
	if l.ordered {
		l.inOrder.PushBack(e)
	}
	return e
}

func (l *ledger) settleAs(e *entry, outcome Outcome) {
	e.data = nil
	if !l.ordered {
		l.ready = append(l.ready, outcome)
		return
	}
	e.outcome = outcome
	for head := l.inOrder.Front(); head != nil && head.Value.(*entry).outcome != nil; head = l.inOrder.Front() {
		l.ready = append(l.ready, l.inOrder.Remove(head).(*entry).outcome)
	}
}
