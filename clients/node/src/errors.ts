import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema, anyUnpack } from '@bufbuild/protobuf/wkt';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { status, type ServiceError } from '@grpc/grpc-js';
import { FailureCode as WireCode, FailedSchema, type Failed } from './gen/loupe/v1/result_pb.js';

/** Why a frame has no result: the server's codes, and those that only a client can give. */
export type FailureCode =
    /** A fault of the server, or a code that this client does not know. */
    | 'INTERNAL'
    /** The data is not what it should be: not a picture, truncated, wrong stride. Sending it again will not help. */
    | 'INVALID'
    /** Over a limit of the server; the message names the limit and its setting. */
    | 'TOO_LARGE'
    /** Understood, but this server does not do it. */
    | 'UNSUPPORTED'
    /** No room now; may be sent again later. */
    | 'OVERLOADED'
    /** The caller gave up, or the server is stopping. */
    | 'CANCELED'
    /** The model or what runs it failed. */
    | 'MODEL_FAULT'
    /** A deadline passed, in calls outside sessions; frames have `Expired`. */
    | 'EXPIRED'
    /** The server does not know the caller, or does not allow the call. */
    | 'NOT_ALLOWED'
    /** Client only: the session ended before the frame had its outcome. It may have been analysed. */
    | 'CONNECTION_LOST';

/** The server or the way to it failed. The message is one sentence for people. */
export class LoupeError extends Error {
    constructor(message: string, options?: ErrorOptions) {
        super(message, options);
        this.name = new.target.name;
    }
}

/** There is no LoupeGrpc server at the address, or it takes no calls now. Nothing was analysed. */
export class UnavailableError extends LoupeError {}

/** A session ended before it was completed. Frames in flight have `CONNECTION_LOST`. */
export class ConnectionLostError extends LoupeError {}

/** The server understood a picture, an opening or a control, and said no. */
export class RequestError extends LoupeError {
    constructor(
        readonly code: FailureCode,
        message: string,
        options?: ErrorOptions,
    ) {
        super(message, options);
    }
}

/** The server wants to know who calls, or does not allow it. */
export class NotAllowedError extends RequestError {
    constructor(message: string, options?: ErrorOptions) {
        super('NOT_ALLOWED', message, options);
    }
}

const codes = new Map<WireCode, FailureCode>([
    [WireCode.INVALID, 'INVALID'],
    [WireCode.TOO_LARGE, 'TOO_LARGE'],
    [WireCode.UNSUPPORTED, 'UNSUPPORTED'],
    [WireCode.OVERLOADED, 'OVERLOADED'],
    [WireCode.CANCELED, 'CANCELED'],
    [WireCode.MODEL_FAULT, 'MODEL_FAULT'],
    [WireCode.EXPIRED, 'EXPIRED'],
]);

/** Unknown codes are INTERNAL, as the contract asks. */
export function toCode(code: WireCode): FailureCode {
    return codes.get(code) ?? 'INTERNAL';
}

export function isServiceError(error: unknown): error is ServiceError {
    return error instanceof Error && 'code' in error && 'metadata' in error && 'details' in error;
}

/** The way to the server failed, not the server: another connection may do better. */
export function isTransport(error: ServiceError): boolean {
    const broken: status[] = [status.INTERNAL, status.UNKNOWN, status.CANCELLED];
    return error.code === status.UNAVAILABLE || (broken.includes(error.code) && /RST_STREAM|GOAWAY|ECONNRESET|socket hang up/i.test(error.details));
}

/** For a call outside sessions, or the opening of one. */
export function toError(error: ServiceError, address: string): LoupeError {
    const cause = { cause: error };
    const details = oneLine(error);
    if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED) {
        return new NotAllowedError(`the server at ${address} does not allow this: ${details}`, cause);
    }
    const failed = failedOf(error);
    if (failed) {
        return new RequestError(toCode(failed.code), failed.message, cause);
    }
    const hint = proxyHint(details);
    if (hint) {
        return new UnavailableError(`no LoupeGrpc server at ${address}: ${hint}`, cause);
    }
    if (error.code === status.UNAVAILABLE) {
        return new UnavailableError(
            `no LoupeGrpc server at ${address}: is it running? Start it with \`loupe-grpc-server serve\` (${details})`,
            cause,
        );
    }
    if (error.code === status.UNIMPLEMENTED) {
        return new UnavailableError(`what answers at ${address} is not a LoupeGrpc server, or is an older one (${details})`, cause);
    }
    if (isTransport(error)) {
        return new UnavailableError(`the connection to ${address} broke (${details})`, cause);
    }
    const known = new Map<status, FailureCode>([
        [status.INVALID_ARGUMENT, 'INVALID'],
        [status.RESOURCE_EXHAUSTED, 'OVERLOADED'],
        [status.DEADLINE_EXCEEDED, 'EXPIRED'],
        [status.CANCELLED, 'CANCELED'],
    ]);
    const code = known.get(error.code);
    return code ? new RequestError(code, details, cause) : new RequestError('INTERNAL', `${status[error.code]}: ${details}`, cause);
}

/** For a session that ran. */
export function toSessionFault(error: ServiceError, address: string): LoupeError {
    if (error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED) {
        return toError(error, address);
    }
    const failed = failedOf(error);
    const what = !failed && isTransport(error) ? `the connection to ${address} broke` : `the server at ${address} ended the session`;
    return new ConnectionLostError(`${what} (${status[error.code]}: ${failed ? failed.message : oneLine(error)})`, { cause: error });
}

export const LARGE_MESSAGES = 'a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)';
export const LONG_CALLS =
    'a proxy in between may end calls that are large or long (nginx: client_max_body_size, client_body_timeout, grpc_read_timeout, grpc_send_timeout)';

/** What an answer without gRPC in it means; undefined where the answer was gRPC. */
function proxyHint(details: string): string | undefined {
    const found = /Received HTTP status code ([0-9]{3})/.exec(details)?.[1];
    switch (found) {
        case undefined:
            return undefined;
        case '413':
            return `a proxy answered with HTTP 413: ${LARGE_MESSAGES}`;
        case '502':
        case '503':
            return `a proxy answered with HTTP ${found}: it does not reach the server`;
        case '504':
            return 'a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)';
        default:
            return `something that does not speak gRPC answered with HTTP ${found}`;
    }
}

/** The `loupe.v1.Failed` in the status details: google.rpc.Status, of which only field 3, the details, matters here. */
function failedOf(error: ServiceError): Failed | undefined {
    const [bytes] = error.metadata.get('grpc-status-details-bin');
    if (!(bytes instanceof Uint8Array)) {
        return undefined;
    }
    try {
        const reader = new BinaryReader(bytes);
        while (reader.pos < reader.len) {
            const [field, wireType] = reader.tag();
            if (field === 3 && wireType === WireType.LengthDelimited) {
                const failed = anyUnpack(fromBinary(AnySchema, reader.bytes()), FailedSchema);
                if (failed) {
                    return failed;
                }
            } else {
                reader.skip(wireType, field);
            }
        }
    } catch {
        // A proxy's own idea of a status: there is no detail then.
    }
    return undefined;
}

function oneLine(error: ServiceError): string {
    return (error.details || 'no reason given').split(/\s+/).join(' ').replace(/\.$/, '');
}
