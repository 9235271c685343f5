import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { FrameOutcome } from './gen/loupe/v1/result_pb';
import { MaskPolicy, TilePolicy } from './gen/loupe/v1/result_pb';
import { PixelFormat } from './gen/loupe/v1/frame_pb';
import { AnalyzeRequestSchema, AnalyzeResponseSchema } from './gen/loupe/v1/service_pb';
import {
    DeliveryMode,
    SessionEventKind,
    type ControlReply,
    type ControlSchema,
    type SessionEvent,
    type SessionGrant,
    type SessionSummary,
} from './gen/loupe/v1/session_pb';
import { protocols } from './key';
import { info } from './server';

export type State = 'connecting' | 'running' | 'reconnecting' | 'resumed' | 'restarted' | 'done' | 'failed';
export type Action = NonNullable<MessageInitShape<typeof ControlSchema>['action']>;

export interface Settings {
    readonly name: string;
    /** The newest frame only, for what cannot be slowed down. */
    readonly freshest: boolean;
    readonly adapt: boolean;
    /** The masks of the parameters as they were, beside those that adapt. */
    readonly compare: boolean;
    /** A verdict over time beside that of each frame. */
    readonly temporal: boolean;
    /** Some tiles of each frame, at full resolution, instead of the whole; not with `adapt`. */
    readonly tiles: boolean;
    /** In which results are explained. */
    readonly language: string;
}

export interface Listener {
    /** @param frame The client's own number of the frame. */
    outcome(frame: number, outcome: FrameOutcome): void;
    event(event: SessionEvent): void;
    reply(reply: ControlReply): void;
    state(state: State, reason: string): void;
    summary(summary: SessionSummary): void;
}

/** What was sent and has no answer yet; sent again on another connection where it did not arrive. */
interface Sent {
    readonly isFrame: boolean;
    /** Of a frame the server's, from 0; of a control how many were sent before it, plus one. */
    number: bigint;
    readonly data: Uint8Array;
}

/** Frames on their way where none may be lost: they take memory on both sides. */
const MANY = 16;
/** Where the newest alone counts. */
const FEW = 3;
/** Of each frame that is looked at in tiles: each costs a run of the model. */
const TILES = 2;
const PAUSES_MS = [250, 500, 1000, 2000, 4000];
/** Closed with this and a status of gRPC. */
const FIRST_STATUS = 4000;
const UNAVAILABLE = 14;
const ABORTED = 10;

/**
 * One session over a WebSocket. It lives on when its connection breaks: what did not arrive is sent again, and what was not received is asked for. Where the
 * server has lost it, a new one goes on with the frames that have no outcome.
 */
export class Session {
    private socket: WebSocket | undefined;
    private grant: SessionGrant | undefined;
    private readonly sent: Sent[] = [];
    private readonly waiting: (() => void)[] = [];
    private nextSequence = 0n;
    private controls = 0n;
    private received = 0n;
    /** Whether this connection was granted the session: until then nothing but the opening goes over it. */
    private isOpen = false;
    private completing = false;
    private over = false;
    private breaks = 0;
    private reason = '';

    constructor(
        private readonly settings: Settings,
        private readonly listener: Listener,
    ) {
        listener.state('connecting', '');
        void this.connect();
    }

    /** Frames and controls without an answer. */
    get inFlight(): number {
        return this.sent.length;
    }

    /** Resolves when there is room for another frame; to false when none is wanted any more. */
    async room(): Promise<boolean> {
        while (!this.over && this.isFull) {
            await new Promise<void>((resolve) => this.waiting.push(resolve));
        }
        return !this.over;
    }

    /** Whether the next frame has to wait. */
    get isFull(): boolean {
        return this.sent.length >= this.limit();
    }

    private limit(): number {
        return Math.min(this.settings.freshest ? FEW : MANY, this.grant?.limits?.credits ?? 0);
    }

    /** @param pixels RGB, row by row without gaps. */
    send(frame: number, pixels: Uint8Array, width: number, height: number, seconds: number): void {
        if (this.over || this.completing) {
            return;
        }
        const whole = BigInt(Math.floor(seconds));
        this.enter(true, this.nextSequence++, {
            case: 'frame',
            value: {
                frameId: BigInt(frame),
                captureTime: { seconds: whole, nanos: Math.round((seconds - Number(whole)) * 1e9) % 1e9 },
                image: { case: 'raw', value: { data: pixels, format: { pixelFormat: PixelFormat.RGB24, width, height } } },
            },
        });
    }

    control(action: Action): void {
        if (!this.over && !this.completing) {
            const number = ++this.controls;
            this.enter(false, number, { case: 'control', value: { controlId: number, action } });
        }
    }

    /** No frames follow; the summary does, and the end. */
    complete(): void {
        this.completing = true;
        this.finish();
    }

    /** Ends it at once. */
    close(): void {
        this.end('done', '');
        this.socket?.close(1000);
    }

    private enter(isFrame: boolean, number: bigint, payload: MessageInitShape<typeof AnalyzeRequestSchema>['payload']): void {
        const data = toBinary(AnalyzeRequestSchema, create(AnalyzeRequestSchema, { payload }));
        this.sent.push({ isFrame, number, data });
        if (this.isOpen) {
            this.socket?.send(data);
        }
    }

    private async connect(): Promise<void> {
        try {
            // Says whether the server is there, and asks for a key where it wants one: a WebSocket would not tell.
            await info();
        } catch (error) {
            this.broken(String(error));
            return;
        }
        if (this.over) {
            return;
        }
        const address = new URL('/v1/stream', location.href);
        address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
        const socket = new WebSocket(address, protocols());
        socket.binaryType = 'arraybuffer';
        this.socket = socket;
        socket.addEventListener('open', () => this.open(socket));
        socket.addEventListener('message', (event: MessageEvent<ArrayBuffer | string>) => {
            if (typeof event.data === 'string') {
                this.reason = detailOf(event.data);
            } else {
                this.take(new Uint8Array(event.data));
            }
        });
        socket.addEventListener('close', (event) => this.closed(event));
    }

    private open(socket: WebSocket): void {
        const { name, freshest, adapt, compare, temporal, tiles, language } = this.settings;
        const opening = create(AnalyzeRequestSchema, {
            payload: {
                case: 'open',
                value: {
                    sessionName: name,
                    client: 'loupe-page',
                    resumable: true,
                    resumeToken: this.grant?.resumeToken ?? new Uint8Array(),
                    responsesReceived: this.received,
                    framesAnswered: this.sent.find((sent) => sent.isFrame)?.number ?? this.nextSequence,
                    controlsAnswered: (this.sent.find((sent) => !sent.isFrame)?.number ?? this.controls + 1n) - 1n,
                    mask: { policy: adapt ? MaskPolicy.ALWAYS : MaskPolicy.WHEN_SUSPECTED },
                    maxResponseBytes: 16 << 20,
                    explain: language,
                    ...(temporal ? { temporal: { enabled: true } } : {}),
                    ...(tiles ? { tiles: { policy: TilePolicy.NATIVE, tilesPerFrame: TILES } } : {}),
                    delivery: { mode: freshest ? DeliveryMode.FRESHEST : DeliveryMode.EVERY_FRAME },
                    ...(adapt ? { adaptation: { enabled: true, dualVerdictEveryNth: compare ? 1 : 0 } } : {}),
                },
            },
        });
        socket.send(toBinary(AnalyzeRequestSchema, opening));
    }

    private take(message: Uint8Array): void {
        const { payload } = fromBinary(AnalyzeResponseSchema, message);
        switch (payload.case) {
            case 'granted':
                this.granted(payload.value);
                break;
            case 'outcome':
                this.received++;
                this.settle(true, payload.value.sequence);
                this.listener.outcome(Number(payload.value.frameId), payload.value);
                break;
            case 'controlReply':
                this.received++;
                this.settle(false, payload.value.controlId);
                this.listener.reply(payload.value);
                break;
            case 'event':
                this.received += payload.value.kind === SessionEventKind.TAKEN_OVER ? 0n : 1n;
                this.listener.event(payload.value);
                break;
            case 'summary':
                if (this.completing) {
                    this.listener.summary(payload.value);
                }
                break;
            default:
        }
    }

    private granted(grant: SessionGrant): void {
        const before = this.grant;
        this.grant = grant;
        this.isOpen = true;
        this.breaks = 0;
        if (grant.resumed) {
            this.again((sent) => (sent.isFrame ? sent.number >= grant.nextSequence : sent.number > grant.controlsReceived));
        } else {
            // Whatever it had is gone: what has no outcome is numbered anew.
            this.received = 0n;
            this.nextSequence = 0n;
            this.controls = 0n;
            for (const sent of this.sent) {
                sent.number = sent.isFrame ? this.nextSequence++ : ++this.controls;
            }
            this.again(() => true);
        }
        this.listener.state(before === undefined ? 'running' : grant.resumed ? 'resumed' : 'restarted', '');
        this.finish();
        this.wake();
    }

    private again(which: (sent: Sent) => boolean): void {
        for (const sent of this.sent.filter(which)) {
            this.socket?.send(sent.data);
        }
    }

    private settle(isFrame: boolean, number: bigint): void {
        const place = this.sent.findIndex((sent) => sent.isFrame === isFrame && sent.number === number);
        if (place >= 0) {
            this.sent.splice(place, 1);
        }
        this.finish();
        this.wake();
    }

    /** Half-closes when every answer is there: what a connection that breaks later loses could not be asked for again. */
    private finish(): void {
        if (this.completing && !this.over && this.isOpen && this.sent.length === 0) {
            this.socket?.send(new Uint8Array());
        }
    }

    private closed(event: CloseEvent): void {
        const status = event.code - FIRST_STATUS;
        this.isOpen = false;
        if (this.over) {
            return;
        }
        if (event.code === 1000) {
            this.end('done', '');
        } else if (status > 0 && status !== UNAVAILABLE) {
            this.end('failed', this.reason || event.reason || (status === ABORTED ? 'aborted' : String(event.code)));
        } else {
            // A server that stops may have left the session to another one; where it has not, that one begins anew.
            this.broken(event.reason);
        }
    }

    private broken(reason: string): void {
        if (this.over) {
            return;
        }
        this.listener.state('reconnecting', reason);
        const pause = PAUSES_MS[Math.min(this.breaks++, PAUSES_MS.length - 1)] ?? 1000;
        setTimeout(() => void (this.over || this.connect()), pause);
    }

    private end(state: State, reason: string): void {
        if (!this.over) {
            this.over = true;
            this.listener.state(state, reason);
            this.wake();
        }
    }

    private wake(): void {
        for (const resolve of this.waiting.splice(0)) {
            resolve();
        }
    }
}

/** What the server said before it closed. */
function detailOf(text: string): string {
    const told: unknown = JSON.parse(text);
    return typeof told === 'object' && told !== null && 'detail' in told ? String(told.detail) : text;
}
