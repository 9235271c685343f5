import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { Outage, type AnalyzeCall, type Channel } from './channel.js';
import {
    ConnectionLostError,
    isTransport,
    LARGE_MESSAGES,
    LONG_CALLS,
    LoupeError,
    RequestError,
    toCode,
    toSessionFault,
    UnavailableError,
} from './errors.js';
import { isFrame, readImage, sizeOf, toFrame, type Frame, type Image } from './frames.js';
import { AnalyzeRequestSchema, type AnalyzeResponse } from './gen/loupe/v1/service_pb.js';
import {
    ControlSchema,
    SessionEventKind,
    type Control,
    type ControlReply,
    type OpenSession,
    type SessionGrant,
    type SessionSummary,
} from './gen/loupe/v1/session_pb.js';
import { Credits, Ledger, type Entry } from './ledger.js';
import {
    fromDuration,
    maxFramesInFlight,
    toAdaptation,
    toMasks,
    toOpening,
    toThresholds,
    type Adaptation,
    type Masks,
    type SessionOptions,
    type Thresholds,
} from './options.js';
import type { Outcome, SessionEvent } from './outcomes.js';

/** As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds. */
const MAX_BREAKS_OVER_ONE_FRAME = 5;
/** For servers that do not say how long they keep a session. */
const DEFAULT_WINDOW_MS = 30_000;
const DEFAULT_CREDITS = 64;
/** So long a session in which nothing is in flight may take to say goodbye. */
const GOODBYE_MS = 1_000;
/** Frames handed over and not yet written: one on its way and one behind it. */
const WAITING_TO_BE_WRITTEN = 2;
const MAX_EVENTS = 256;

interface Connection {
    readonly call: AnalyzeCall;
    readonly grant: SessionGrant;
    /** Responses behind the grant, until somebody takes them; then how the call ended: undefined is a status of OK. */
    take: (response: AnalyzeResponse) => void;
    readonly ended: Promise<ServiceError | undefined>;
}

/** One call, once it was granted. Rejects with a ServiceError where the server refused or cannot be reached. */
async function connect(channel: Channel, opening: OpenSession): Promise<Connection> {
    // Header values are ASCII; balancers only hash them.
    const call = await channel.analyze(opening.sessionName ? { 'loupe-session': encodeURIComponent(opening.sessionName) } : {});
    const early: AnalyzeResponse[] = [];
    let connection: Connection | undefined;
    const ended = new Promise<ServiceError | undefined>((resolve) => {
        call.on('error', resolve);
        call.on('end', () => {
            // An error has its own event, and comes first where there is one.
            setImmediate(() => {
                resolve(undefined);
            });
        });
    });
    try {
        const grant = await new Promise<SessionGrant>((resolve, reject) => {
            const other = () => {
                reject(
                    new UnavailableError(`the server at ${channel.shownAddress} did not grant the session: it speaks another version of loupe.v1`),
                );
            };
            call.on('data', (response: AnalyzeResponse) => {
                if (connection) {
                    connection.take(response);
                } else if (early.length > 0 || response.payload.case !== 'granted') {
                    early.push(response);
                    other();
                } else {
                    early.push(response);
                    resolve(response.payload.value);
                }
            });
            void ended.then((error) => {
                if (error) {
                    reject(error);
                } else {
                    other();
                }
            });
            call.write(encode({ case: 'open', value: opening }));
        });
        early.length = 0;
        connection = { call, grant, ended, take: (response) => early.push(response) };
        return connection;
    } catch (error) {
        call.cancel();
        throw error;
    }
}

/**
 * One session: frames in, one outcome for each out. Open it with `LoupeClient.openSession`. Sending, controlling and reading are independent of each other.
 *
 * When the connection breaks the session goes on with another one. Where that cannot be, every frame in flight gets `CONNECTION_LOST`, `results` ends
 * after them, and `send` and `complete` reject.
 */
export class Session {
    /** What the server granted at the opening: limits, model, what runs it, and what of the request is not available. */
    readonly grant: SessionGrant;
    private readonly credits: Credits;
    private readonly room: Credits;
    private readonly resumable: boolean;
    private readonly ledger: Ledger;
    private readonly ready = new Signal();
    private readonly told = new Signal();
    private readonly answered = new Signal();
    private readonly events_: SessionEvent[] = [];
    private readonly controls = new Map<bigint, { resolve: (reply: ControlReply) => void; reject: (error: unknown) => void }>();
    private readonly summary: Promise<SessionSummary>;
    private settleSummary!: { resolve: (summary: SessionSummary) => void; reject: (error: unknown) => void };
    private hasSummary = false;
    private outbox: Entry[] = [];
    private writing = false;
    private lastControl = 0n;
    private outage: Outage | undefined;
    private received = 0n;
    private reached = '';
    private timesReached = 0;
    private completing = false;
    private halfClose = false;
    private disposing = false;
    private ended = false;
    private fault_: LoupeError | undefined;
    private readonly running: Promise<void>;

    private constructor(
        private readonly channel: Channel,
        private connection: Connection,
        private readonly opening: OpenSession,
        options: SessionOptions,
    ) {
        this.grant = connection.grant;
        const granted = this.grant.limits?.credits ?? 0;
        const endedError = () => this.endedError();
        this.credits = new Credits(Math.min(granted > 0 ? granted : DEFAULT_CREDITS, maxFramesInFlight(options)), endedError);
        this.room = new Credits(WAITING_TO_BE_WRITTEN, endedError);
        this.resumable = (options.reconnect ?? true) && this.grant.resumeToken.length > 0;
        this.ledger = new Ledger(!options.unordered, () => {
            this.ready.set();
        });
        this.summary = new Promise((resolve, reject) => {
            this.settleSummary = { resolve, reject };
        });
        // Nobody has to ask for it.
        this.summary.catch(() => undefined);
        this.running = this.run();
    }

    /** @internal */
    static async open(channel: Channel, options: SessionOptions): Promise<Session> {
        const opening = toOpening(options, channel.options);
        const connection = await channel.connect(() => connect(channel, opening));
        return new Session(channel, connection, opening, options);
    }

    /** Why the session ended before it was completed. Undefined while it runs and after a regular end. */
    get fault(): LoupeError | undefined {
        return this.fault_;
    }

    /**
     * Sends a frame once there is room: at most the granted credits of frames are without an outcome taken from `results`, so read those beside. Its index.
     * From then on it has exactly one outcome; when this rejects, it has none.
     */
    async send(frame: Image | Frame, options: Omit<Frame, 'image'> & { readonly signal?: AbortSignal } = {}): Promise<number> {
        const { signal, ...about } = options;
        const whole: Frame = isFrame(frame) ? frame : { image: frame, ...about };
        this.throwIfCompleting();
        const picture = await readImage(whole.image);
        await this.credits.acquire(signal);
        try {
            await this.room.acquire(signal);
        } catch (error) {
            this.credits.release();
            throw error;
        }
        // From here on nothing waits: the frame enters whole or not at all.
        try {
            this.throwIfCompleting();
            if (this.ended) {
                throw this.endedError();
            }
            const index = this.ledger.nextIndex;
            const frameId = BigInt.asUintN(64, BigInt(whole.frameId ?? index));
            const limit = Number(this.grant.limits?.maxFrameBytes ?? 0n);
            if (limit > 0 && sizeOf(picture) > limit) {
                this.ledger.enterFailed(frameId, 'TOO_LARGE', tooLarge(sizeOf(picture), limit));
                this.room.release();
                return index;
            }
            const data = encode({ case: 'frame', value: toFrame(whole, frameId, picture) });
            this.handOver(this.ledger.enterFrame(frameId, data));
            return index;
        } catch (error) {
            this.room.release();
            this.credits.release();
            throw error;
        }
    }

    /**
     * The outcomes, in the order of sending unless the session is unordered. Ends after the last one when the session was completed, broke or was closed;
     * never throws for those. One reader at a time; a later one goes on where an earlier one stopped.
     */
    async *results(): AsyncGenerator<Outcome, void, undefined> {
        for (;;) {
            const outcome = this.ledger.ready.shift();
            if (outcome) {
                this.credits.release();
                yield outcome;
            } else if (this.ledger.closed) {
                return;
            } else {
                await this.ready.wait();
            }
        }
    }

    [Symbol.asyncIterator](): AsyncGenerator<Outcome, void, undefined> {
        return this.results();
    }

    /** What happened to the session by itself, on the server and on the way to it. Ends with the session. Nobody has to read it: the 256 latest are kept. */
    async *events(): AsyncGenerator<SessionEvent, void, undefined> {
        for (;;) {
            const event = this.events_.shift();
            if (event) {
                yield event;
            } else if (this.ended) {
                return;
            } else {
                await this.told.wait();
            }
        }
    }

    /**
     * Says that no more frames come and waits for the server's account. Outcomes can still be read afterwards.
     * Rejects with ConnectionLostError where the session broke before.
     */
    async complete(): Promise<SessionSummary> {
        this.completing = true;
        // A server that has answered a half-closed call forgets the session: what a connection that breaks then loses could not be asked for again.
        while (this.resumable && !this.ledger.idle && !this.ended) {
            await this.answered.wait();
        }
        if (!this.halfClose && !this.ended) {
            this.halfClose = true;
            this.write();
        }
        return await this.summary;
    }

    /**
     * Ends the session at once when it was not completed: frames in flight get CANCELED. One that can be resumed and has frames in flight is left to the
     * server, which keeps it for its resume window; one without is completed.
     */
    async close(): Promise<void> {
        if (this.resumable && this.ledger.idle && !this.ended) {
            let timer: NodeJS.Timeout | undefined;
            const patience = new Promise<void>((resolve) => {
                timer = setTimeout(resolve, GOODBYE_MS);
            });
            await Promise.race([this.complete().catch(() => undefined), patience]);
            clearTimeout(timer);
        }
        this.disposing = true;
        this.end(undefined);
        this.connection.call.cancel();
        await this.running;
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    /** New thresholds from the next frame on. The reply says which hold. */
    setThresholds(thresholds: Thresholds): Promise<ControlReply> {
        return this.control({ case: 'setThresholds', value: toThresholds(thresholds) });
    }

    /** New mask settings from the next frame on. */
    setMasks(masks: Masks): Promise<ControlReply> {
        return this.control({ case: 'setMask', value: toMasks(masks) });
    }

    /** Waits until every frame sent before it has its outcome. RequestError where the server did not carry a control out. */
    flush(): Promise<ControlReply> {
        return this.control({ case: 'flush', value: {} });
    }

    /** Starts adapting, or changes how, from the next frame on; parameters stay as they are. */
    setAdaptation(adaptation: Adaptation): Promise<ControlReply> {
        return this.control({ case: 'setAdaptation', value: { settings: toAdaptation(adaptation) } });
    }

    /** Stops adapting; the parameters stay. */
    freezeAdaptation(): Promise<ControlReply> {
        return this.control({ case: 'freezeAdaptation', value: {} });
    }

    /** Goes on adapting after a freeze. */
    resumeAdaptation(): Promise<ControlReply> {
        return this.control({ case: 'resumeAdaptation', value: {} });
    }

    /** Back to the base parameters, step 0. */
    resetAdaptation(): Promise<ControlReply> {
        return this.control({ case: 'resetAdaptation', value: {} });
    }

    /** Back to the state after `step` optimiser steps, or to the last snapshot. */
    rollbackAdaptation(step?: bigint | number): Promise<ControlReply> {
        const target = step === undefined ? { case: 'lastSnapshot' as const, value: true } : { case: 'step' as const, value: BigInt(step) };
        return this.control({ case: 'rollbackAdaptation', value: { target } });
    }

    /** The state that the frames sent before leave: `snapshot` of the reply, for `SessionOptions.adaptationSnapshot`. */
    snapshotAdaptation(): Promise<ControlReply> {
        return this.control({ case: 'snapshotAdaptation', value: {} });
    }

    private async control(action: NonNullable<MessageInitShape<typeof ControlSchema>['action']>): Promise<ControlReply> {
        this.throwIfCompleting();
        if (this.ended) {
            throw this.endedError();
        }
        const control: Control = create(ControlSchema, { controlId: ++this.lastControl, action });
        const reply = await new Promise<ControlReply>((resolve, reject) => {
            this.controls.set(control.controlId, { resolve, reject });
            this.handOver(this.ledger.enterControl(control.controlId, encode({ case: 'control', value: control })));
        });
        if (reply.failed) {
            throw new RequestError(toCode(reply.failed.code), reply.failed.message);
        }
        return reply;
    }

    private handOver(entry: Entry): void {
        this.outbox.push(entry);
        this.write();
    }

    private async run(): Promise<void> {
        let fault: LoupeError;
        for (;;) {
            const received = this.received;
            let transport: boolean;
            ({ fault, transport } = await this.serve(this.connection));
            if (this.received > received) {
                this.outage = undefined;
            }
            if (!transport || !this.resumable || this.hasSummary || this.disposing) {
                break;
            }
            try {
                this.connection = await this.resume(fault);
            } catch (error) {
                const why = error instanceof Error ? error.message : String(error);
                fault = new ConnectionLostError(`${fault.message}, and the session could not be resumed: ${why}`, { cause: error });
                break;
            }
        }
        // A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
        this.end(this.completing && this.hasSummary ? undefined : fault);
    }

    /** Writes and reads until the call is over: why, and whether only the way to the server broke. */
    private async serve(connection: Connection): Promise<{ fault: LoupeError; transport: boolean }> {
        const address = this.channel.shownAddress;
        let broken: LoupeError | undefined;
        connection.take = (response) => {
            broken ??= this.takeIn(response);
            if (broken) {
                connection.call.cancel();
            }
        };
        this.writing = false;
        this.write();
        const error = await connection.ended;
        this.writing = true;
        // What comes behind the end was not received: the next connection brings it again.
        connection.take = () => undefined;
        if (broken) {
            return { fault: broken, transport: false };
        }
        return error
            ? { fault: toSessionFault(error, address), transport: isTransport(error) }
            : { fault: new ConnectionLostError(`the server at ${address} ended the session before it was completed`), transport: false };
    }

    /** One message at a time. A broken transport is not the writer's business: the reader sees it too, and decides what becomes of the message. */
    private write(): void {
        if (this.writing) {
            return;
        }
        const { call } = this.connection;
        const entry = this.outbox.shift();
        if (entry?.data) {
            this.writing = true;
            call.write(entry.data, (error?: Error | null) => {
                if (!error && call === this.connection.call) {
                    this.written(entry);
                    this.writing = false;
                    this.write();
                }
            });
        } else if (entry) {
            // It has its outcome already.
            this.write();
        } else if (this.halfClose) {
            this.writing = true;
            call.end();
        }
    }

    private written(entry: Entry): void {
        if (!this.resumable) {
            entry.data = undefined;
        }
        this.leaveRoom(entry);
    }

    private leaveRoom(entry: Entry): void {
        if (entry.waiting) {
            entry.waiting = false;
            this.room.release();
        }
    }

    /** Why the session cannot go on; undefined: it can. */
    private takeIn({ payload }: AnalyzeResponse): LoupeError | undefined {
        const address = this.channel.shownAddress;
        switch (payload.case) {
            case 'outcome': {
                this.received++;
                const entry = this.ledger.settle(payload.value);
                if (!entry) {
                    return new ConnectionLostError(
                        `the server at ${address} broke the protocol: it sent an outcome for frame ${payload.value.sequence.toString()}, which was not waiting for one`,
                    );
                }
                this.leaveRoom(entry);
                this.answered.set();
                return undefined;
            }
            case 'controlReply': {
                this.received++;
                this.ledger.settleControl(payload.value.controlId);
                this.answered.set();
                this.controls.get(payload.value.controlId)?.resolve(payload.value);
                this.controls.delete(payload.value.controlId);
                return undefined;
            }
            case 'event':
                this.notify({ event: 'server', message: payload.value });
                if (payload.value.kind === SessionEventKind.TAKEN_OVER) {
                    // Taking it back would be a fight.
                    return new ConnectionLostError(`another connection took over the session at ${address}`);
                }
                this.received++;
                return undefined;
            case 'summary':
                this.hasSummary = true;
                this.settleSummary.resolve(payload.value);
                return undefined;
            default:
                // Kinds that a newer server may send.
                return undefined;
        }
    }

    /** The next connection; what the server lacks goes first. Rejects where there is none, or the server does not have the session any more. */
    private async resume(why: LoupeError): Promise<Connection> {
        this.outage ??= new Outage(this.grant.resumeWindow ? fromDuration(this.grant.resumeWindow) : DEFAULT_WINDOW_MS);
        const outage = this.outage;
        if (outage.leftMs <= 0) {
            throw new ConnectionLostError(`each new connection broke again: ${LONG_CALLS}`);
        }
        this.notify({ event: 'disconnected', reason: why.message, windowMs: outage.leftMs });
        const connection = await this.channel.reconnect(() => {
            if (this.disposing) {
                throw new ConnectionLostError('the session was closed');
            }
            // Nothing that a server which does not know the session any more would have to keep.
            return connect(this.channel, {
                ...toOpening({ name: this.opening.sessionName, reconnect: false }, this.channel.options),
                resumeToken: this.grant.resumeToken,
                responsesReceived: this.received,
                ...this.ledger.answered(),
            });
        }, outage);
        const { grant } = connection;
        if (!grant.resumed) {
            connection.call.cancel();
            const reason =
                grant.unavailable.find((part) => part.feature === 'resume_token')?.reason ?? 'it was restarted, or its resume window has passed';
            throw new ConnectionLostError(`the server at ${this.channel.shownAddress} does not have the session any more: ${reason}`);
        }
        if (this.disposing) {
            connection.call.cancel();
            throw new ConnectionLostError('the session was closed');
        }
        this.failWhatDoesNotPass(grant);
        const missing = this.ledger.missing(grant.nextSequence, grant.controlsReceived);
        for (const entry of this.ledger.sent()) {
            if (!missing.includes(entry)) {
                this.leaveRoom(entry); // It arrived, although its writer was told otherwise.
            }
        }
        this.outbox = missing;
        this.notify({ event: 'resumed', outageMs: outage.elapsedMs, framesSentAgain: missing.filter((entry) => entry.isFrame).length });
        return connection;
    }

    /** A frame over which every connection breaks would take along all others, until the server's window has passed. */
    private failWhatDoesNotPass(grant: SessionGrant): void {
        const reached = [grant.nextSequence, grant.controlsReceived, this.received].join();
        this.timesReached = reached === this.reached ? this.timesReached + 1 : 1;
        this.reached = reached;
        const [entry] = this.ledger.missing(grant.nextSequence, grant.controlsReceived);
        if (this.timesReached < MAX_BREAKS_OVER_ONE_FRAME || !entry?.isFrame) {
            return;
        }
        const size = ((entry.data?.length ?? 0) / 1024 / 1024).toFixed(1);
        this.ledger.withdraw(
            entry,
            'CONNECTION_LOST',
            `the connection to ${this.channel.shownAddress} broke ${this.timesReached} times while this frame of ${size} MiB was sent: ${LARGE_MESSAGES}`,
        );
        this.leaveRoom(entry);
        this.answered.set();
        this.timesReached = 0;
    }

    private notify(event: SessionEvent): void {
        this.channel.options.log?.(event.event === 'disconnected' ? 'warn' : 'info', `session ${this.grant.sessionId}: ${event.event}`, {
            session: this.opening.sessionName,
            ...event,
        });
        this.events_.push(event);
        if (this.events_.length > MAX_EVENTS) {
            this.events_.shift();
        }
        this.told.set();
    }

    private end(fault: LoupeError | undefined): void {
        if (this.ended) {
            return;
        }
        this.fault_ = this.disposing ? new ConnectionLostError('the session was closed') : fault;
        this.ended = true;
        this.ledger.close(
            this.disposing ? 'CANCELED' : 'CONNECTION_LOST',
            this.fault_?.message ?? 'the server completed the session without an outcome for this frame',
        );
        this.answered.set();
        this.told.set();
        this.credits.close();
        this.room.close();
        for (const waiting of this.controls.values()) {
            waiting.reject(this.endedError());
        }
        this.controls.clear();
        this.settleSummary.reject(this.endedError());
    }

    private throwIfCompleting(): void {
        if (this.completing) {
            throw new Error('the session is being completed: it takes no more frames and controls');
        }
    }

    private endedError(): LoupeError {
        return new ConnectionLostError(this.fault_?.message ?? 'the session is over', { cause: this.fault_ });
    }
}

/** Wakes who waits; one that comes while nobody waits wakes the next. */
class Signal {
    private wake: (() => void) | undefined;
    private isSet = false;
    private waiting: Promise<void> | undefined;

    set(): void {
        this.isSet = true;
        this.wake?.();
    }

    async wait(): Promise<void> {
        if (!this.isSet) {
            this.waiting ??= new Promise((resolve) => {
                this.wake = resolve;
            });
            await this.waiting;
        }
        this.isSet = false;
        this.waiting = undefined;
        this.wake = undefined;
    }
}

function encode(payload: NonNullable<MessageInitShape<typeof AnalyzeRequestSchema>['payload']>): Buffer {
    const bytes = toBinary(AnalyzeRequestSchema, create(AnalyzeRequestSchema, { payload }));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLarge(size: number, limit: number): string {
    const number = (limit / 1024 / 1024).toFixed(2).replace(/\.?0+$/, '');
    return `the frame is ${(size / 1024 / 1024).toFixed(1)} MiB, and the limit is ${number} MiB (Loupe:Limits:MaxFrameBytes on the server)`;
}
