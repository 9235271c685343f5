package loupegrpc

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	loupev1 "loupegrpc/loupe/v1"
)

// What errors.Is asks for; the errors themselves have a sentence for people.
var (
	// ErrUnavailable: there is no LoupeGrpc server at the address, or it takes no calls now. Nothing was analysed.
	ErrUnavailable = errors.New("no LoupeGrpc server")
	// ErrConnectionLost: the session ended before it was completed. Frames in flight have CodeConnectionLost.
	ErrConnectionLost = errors.New("the session was lost")
	// ErrCompleting: Complete was called before; the session takes no more frames and controls.
	ErrCompleting = errors.New("the session is being completed: it takes no more frames and controls")
	// ErrNotAllowed: the server wants to know who calls, or does not allow it. Such errors are a *RequestError too.
	ErrNotAllowed = errors.New("not allowed")
)

// FailureCode says why a frame has no result: the server's codes, and those that only a client can give.
type FailureCode string

const (
	// CodeInternal is a fault of the server, or a code that this client does not know.
	CodeInternal FailureCode = "INTERNAL"
	// CodeInvalid: the data is not what it should be. Sending it again will not help.
	CodeInvalid FailureCode = "INVALID"
	// CodeTooLarge: over a limit of the server; the message names the limit and its setting.
	CodeTooLarge FailureCode = "TOO_LARGE"
	// CodeUnsupported: understood, but this server does not do it.
	CodeUnsupported FailureCode = "UNSUPPORTED"
	// CodeOverloaded: no room now; may be sent again later.
	CodeOverloaded FailureCode = "OVERLOADED"
	// CodeCanceled: the caller gave up, or the server is stopping.
	CodeCanceled FailureCode = "CANCELED"
	// CodeModelFault: the model or what runs it failed.
	CodeModelFault FailureCode = "MODEL_FAULT"
	// CodeExpired: a deadline passed, in calls outside sessions; frames have Expired.
	CodeExpired FailureCode = "EXPIRED"
	// CodeNotAllowed: the server does not know the caller, or does not allow the call.
	CodeNotAllowed FailureCode = "NOT_ALLOWED"
	// CodeConnectionLost is the client's own: the session ended before the frame had its outcome. It may have been analysed.
	CodeConnectionLost FailureCode = "CONNECTION_LOST"
)

// RequestError: the server understood a picture, an opening or a control, and said no.
type RequestError struct {
	Code    FailureCode
	Message string
	cause   error
}

func (e *RequestError) Error() string { return e.Message }

// Unwrap returns what gRPC said.
func (e *RequestError) Unwrap() error { return e.cause }

// Is tells ErrNotAllowed.
func (e *RequestError) Is(target error) bool {
	return target == ErrNotAllowed && e.Code == CodeNotAllowed
}

// fault is an ErrUnavailable or ErrConnectionLost with its own words.
type fault struct {
	kind    error
	message string
	cause   error
}

func (e *fault) Error() string        { return e.message }
func (e *fault) Unwrap() error        { return e.cause }
func (e *fault) Is(target error) bool { return target == e.kind }

func unavailable(cause error, format string, values ...interface{}) error {
	return &fault{ErrUnavailable, fmt.Sprintf(format, values...), cause}
}

func connectionLost(cause error, format string, values ...interface{}) error {
	return &fault{ErrConnectionLost, fmt.Sprintf(format, values...), cause}
}

var failureCodes = map[loupev1.FailureCode]FailureCode{
	loupev1.FailureCode_FAILURE_CODE_INVALID:     CodeInvalid,
	loupev1.FailureCode_FAILURE_CODE_TOO_LARGE:   CodeTooLarge,
	loupev1.FailureCode_FAILURE_CODE_UNSUPPORTED: CodeUnsupported,
	loupev1.FailureCode_FAILURE_CODE_OVERLOADED:  CodeOverloaded,
	loupev1.FailureCode_FAILURE_CODE_CANCELED:    CodeCanceled,
	loupev1.FailureCode_FAILURE_CODE_MODEL_FAULT: CodeModelFault,
	loupev1.FailureCode_FAILURE_CODE_EXPIRED:     CodeExpired,
}

// toCode takes unknown codes as INTERNAL, as the contract asks.
func toCode(code loupev1.FailureCode) FailureCode {
	if known, ok := failureCodes[code]; ok {
		return known
	}
	return CodeInternal
}

// As between the versions of gRPC since 1.33.
var (
	brokenStream = regexp.MustCompile(`(?i)RST_STREAM|GOAWAY|connection reset|transport is closing|error reading from server|unexpected EOF|stream terminated`)
	httpStatus   = regexp.MustCompile(`(?i)HTTP status code (?:received from server: )?([0-9]{3})`)
)

// isTransport: the way to the server failed, not the server; another connection may do better.
func isTransport(err error) bool {
	told := status.Convert(err)
	switch told.Code() {
	case codes.Unavailable:
		return true
	case codes.Internal, codes.Unknown, codes.Canceled:
		return brokenStream.MatchString(told.Message())
	}
	return false
}

// toError is for a call outside sessions, or the opening of one.
func toError(ctx context.Context, err error, address string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	told, details := status.Convert(err), oneLine(err)
	if told.Code() == codes.Unauthenticated || told.Code() == codes.PermissionDenied {
		if hint := proxyHint(details); hint != "" {
			details = hint
		}
		return &RequestError{CodeNotAllowed, fmt.Sprintf("the server at %s does not allow this: %s", address, details), err}
	}
	if failed := failedOf(told); failed != nil {
		return &RequestError{toCode(failed.Code), failed.Message, err}
	}
	if hint := proxyHint(details); hint != "" {
		return unavailable(err, "no LoupeGrpc server at %s: %s", address, hint)
	}
	switch told.Code() {
	case codes.Unavailable:
		return unavailable(err, "no LoupeGrpc server at %s: is it running? Start it with `loupe-grpc-server serve` (%s)", address, details)
	case codes.Unimplemented:
		return unavailable(err, "what answers at %s is not a LoupeGrpc server, or is an older one (%s)", address, details)
	}
	if isTransport(err) {
		return unavailable(err, "the connection to %s broke (%s)", address, details)
	}
	switch told.Code() {
	case codes.InvalidArgument:
		return &RequestError{CodeInvalid, details, err}
	case codes.ResourceExhausted:
		return &RequestError{CodeOverloaded, details, err}
	case codes.DeadlineExceeded:
		return &RequestError{CodeExpired, details, err}
	case codes.Canceled:
		return &RequestError{CodeCanceled, details, err}
	}
	return &RequestError{CodeInternal, fmt.Sprintf("%s: %s", told.Code(), details), err}
}

// toSessionFault is for a session that ran.
func toSessionFault(ctx context.Context, err error, address string) error {
	told := status.Convert(err)
	if told.Code() == codes.Unauthenticated || told.Code() == codes.PermissionDenied {
		return toError(ctx, err, address)
	}
	if failed := failedOf(told); failed != nil {
		return connectionLost(err, "the server at %s ended the session (%s: %s)", address, told.Code(), failed.Message)
	}
	if isTransport(err) {
		return connectionLost(err, "the connection to %s broke (%s: %s)", address, told.Code(), oneLine(err))
	}
	return connectionLost(err, "the server at %s ended the session (%s: %s)", address, told.Code(), oneLine(err))
}

const (
	largeMessages = "a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)"
	longCalls     = "a proxy in between may end calls that are large or long (nginx: client_max_body_size, client_body_timeout, grpc_read_timeout, grpc_send_timeout)"
)

// proxyHint says what an answer without gRPC in it means; empty where the answer was gRPC.
func proxyHint(details string) string {
	found := httpStatus.FindStringSubmatch(details)
	if found == nil {
		return ""
	}
	switch found[1] {
	case "413":
		return "a proxy answered with HTTP 413: " + largeMessages
	case "502", "503":
		return fmt.Sprintf("a proxy answered with HTTP %s: it does not reach the server", found[1])
	case "504":
		return "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)"
	}
	return fmt.Sprintf("something that does not speak gRPC answered with HTTP %s", found[1])
}

// failedOf is the loupe.v1.Failed in the status details, if there is one; a proxy's own idea of a status has none.
func failedOf(told *status.Status) *loupev1.Failed {
	for _, detail := range told.Details() {
		if failed, ok := detail.(*loupev1.Failed); ok {
			return failed
		}
	}
	return nil
}

func oneLine(err error) string {
	text := strings.TrimSuffix(strings.Join(strings.Fields(status.Convert(err).Message()), " "), ".")
	if text == "" {
		return "no reason given"
	}
	return text
}
