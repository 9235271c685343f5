"""What calls raise, and the one place where gRPC's statuses become that."""

from __future__ import annotations

import enum
import re
from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from loupe_grpc import v1


class FailureCode(str, enum.Enum):
    """Why a frame has no result: the server's codes, and those that only a client can give."""

    #: A fault of the server, or a code that this client does not know.
    INTERNAL = "INTERNAL"
    #: The data is not what it should be: not a picture, truncated, wrong stride. Sending it again will not help.
    INVALID = "INVALID"
    #: Over a limit of the server; the message names the limit and its setting.
    TOO_LARGE = "TOO_LARGE"
    #: Understood, but this server does not do it.
    UNSUPPORTED = "UNSUPPORTED"
    #: No room now; may be sent again later.
    OVERLOADED = "OVERLOADED"
    #: The caller gave up, or the server is stopping.
    CANCELED = "CANCELED"
    #: The model or what runs it failed.
    MODEL_FAULT = "MODEL_FAULT"
    #: A deadline passed, in calls outside sessions; frames have :class:`Expired`.
    EXPIRED = "EXPIRED"
    #: The server does not know the caller, or does not allow the call: `key`, `certificate`.
    NOT_ALLOWED = "NOT_ALLOWED"
    #: Client only: the session ended before the frame had its outcome. It may have been analysed.
    CONNECTION_LOST = "CONNECTION_LOST"

    def __str__(self) -> str:
        return self.value


class LoupeError(Exception):
    """The server or the way to it failed. The message is one sentence for people."""


class UnavailableError(LoupeError):
    """There is no LoupeGrpc server at the address, or it takes no calls now. Nothing was analysed."""


class ConnectionLostError(LoupeError):
    """A session ended before it was completed. Frames in flight have ``FailureCode.CONNECTION_LOST``."""


class RequestError(LoupeError):
    """The server understood a picture, an opening or a control, and said no."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotAllowedError(RequestError):
    """The server wants to know who calls, or does not allow it: give `key`, or `certificate` and `private_key`."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureCode.NOT_ALLOWED, message)


_CODES = {
    v1.FailureCode.FAILURE_CODE_INVALID: FailureCode.INVALID,
    v1.FailureCode.FAILURE_CODE_TOO_LARGE: FailureCode.TOO_LARGE,
    v1.FailureCode.FAILURE_CODE_UNSUPPORTED: FailureCode.UNSUPPORTED,
    v1.FailureCode.FAILURE_CODE_OVERLOADED: FailureCode.OVERLOADED,
    v1.FailureCode.FAILURE_CODE_CANCELED: FailureCode.CANCELED,
    v1.FailureCode.FAILURE_CODE_MODEL_FAULT: FailureCode.MODEL_FAULT,
    v1.FailureCode.FAILURE_CODE_EXPIRED: FailureCode.EXPIRED,
}


def to_code(code: int) -> FailureCode:
    """Unknown codes are INTERNAL, as the contract asks."""
    return _CODES.get(code, FailureCode.INTERNAL)  # type: ignore[call-overload, no-any-return]


def failed_of(error: grpc.aio.AioRpcError) -> v1.Failed | None:
    """The `loupe.v1.Failed` in the status details."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                for detail in _RpcStatus.FromString(value).details:
                    failed = v1.Failed()
                    if detail.Unpack(failed):
                        return failed
            except Exception:  # A proxy's own idea of a status: there is no detail then.
                return None
    return None


def to_error(error: grpc.aio.AioRpcError, address: str) -> LoupeError:
    """For a call outside sessions, or the opening of one."""
    details = _one_line(error)
    if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return NotAllowedError(f"the server at {address} does not allow this: {details}")
    if failed := failed_of(error):
        return RequestError(to_code(failed.code), failed.message)
    if hint := proxy_hint(details):
        return UnavailableError(f"no LoupeGrpc server at {address}: {hint}")
    code = error.code()
    if code == grpc.StatusCode.UNAVAILABLE:
        return UnavailableError(f"no LoupeGrpc server at {address}: is it running? Start it with `loupe-grpc-server serve` ({details})")
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return UnavailableError(f"what answers at {address} is not a LoupeGrpc server, or is an older one ({details})")
    if is_transport(error):
        return UnavailableError(f"the connection to {address} broke ({details})")
    known = {
        grpc.StatusCode.INVALID_ARGUMENT: FailureCode.INVALID,
        grpc.StatusCode.RESOURCE_EXHAUSTED: FailureCode.OVERLOADED,
        grpc.StatusCode.DEADLINE_EXCEEDED: FailureCode.EXPIRED,
    }
    return RequestError(known[code], details) if code in known else RequestError(FailureCode.INTERNAL, f"{code.name}: {details}")


def to_session_fault(error: grpc.aio.AioRpcError, address: str) -> LoupeError:
    """For a session that ran."""
    if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return to_error(error, address)
    failed = failed_of(error)
    what = f"the connection to {address} broke" if failed is None and is_transport(error) else f"the server at {address} ended the session"
    return ConnectionLostError(f"{what} ({error.code().name}: {failed.message if failed else _one_line(error)})")


def is_transport(error: grpc.aio.AioRpcError) -> bool:
    """The way to the server failed, not the server: another connection may do better."""
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return True
    broken = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
    return error.code() in broken and re.search(r"RST_STREAM|Stream removed|GOAWAY|Socket closed", error.details() or "") is not None


LARGE_MESSAGES = "a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)"
LONG_CALLS = (
    "a proxy in between may end calls that are large or long (nginx: client_max_body_size, client_body_timeout, grpc_read_timeout, grpc_send_timeout)"
)


def proxy_hint(details: str) -> str | None:
    """What an answer without gRPC in it means; None where the answer was gRPC."""
    status = re.search(r"http2 header with status: ([0-9]{3})", details)
    if status is None:
        return None
    return {
        "413": f"a proxy answered with HTTP 413: {LARGE_MESSAGES}",
        "502": "a proxy answered with HTTP 502: it does not reach the server",
        "503": "a proxy answered with HTTP 503: it does not reach the server",
        "504": "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)",
    }.get(status[1], f"something that does not speak gRPC answered with HTTP {status[1]}")


def _one_line(error: grpc.aio.AioRpcError) -> str:
    return " ".join((error.details() or "no reason given").split()).rstrip(".")


def _rpc_status() -> Any:
    """google.rpc.Status under a name of our own: one package less to depend on, and no quarrel with another copy of it."""
    file = descriptor_pb2.FileDescriptorProto(name="loupe_grpc/status.proto", package="loupe_grpc", syntax="proto3")
    file.dependency.append(any_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="Status")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(name="details", number=3, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Any", label=field.LABEL_REPEATED)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("loupe_grpc.Status")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)  # protobuf before 4.22


_RpcStatus = _rpc_status()
