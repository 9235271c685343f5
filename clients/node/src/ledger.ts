import { toCode, type FailureCode } from './errors.js';
import type { FrameOutcome } from './gen/loupe/v1/result_pb.js';
import { fromDuration } from './options.js';
import { toAnalysis, type Outcome } from './outcomes.js';

/** A frame or control on its way. */
export interface Entry {
    /** As it goes over the wire; kept until the answer is there where the session can be resumed. */
    data: Buffer | undefined;
    /** Of a frame: the server's number, from 0. Of a control: how many were sent before it, plus one. */
    number: bigint;
    readonly isFrame: boolean;
    readonly frameId: bigint;
    readonly index: number;
    /** Whether it takes a place among those that wait to be written. */
    waiting: boolean;
    outcome?: Outcome;
}

/**
 * What a session sent and got: every frame that entered leaves exactly once, and what a new connection has to send again is known. Knows no transport;
 * bounded by the session's credits.
 */
export class Ledger {
    /** Outcomes that nobody took yet. */
    readonly ready: Outcome[] = [];
    closed = false;
    private readonly frames = new Map<bigint, Entry>();
    private readonly controls = new Map<bigint, Entry>();
    private readonly inOrder: Entry[] = [];
    /** Frames and controls without an answer, in the order of sending. */
    private readonly unanswered = new Set<Entry>();
    private nextSequence = 0n;
    private entered = 0;
    private lastControl = 0n;

    constructor(
        private readonly ordered: boolean,
        /** Told when outcomes are ready, and when the last was. */
        private readonly onReady: () => void,
    ) {}

    /** Whether nothing waits for the server. */
    get idle(): boolean {
        return this.unanswered.size === 0;
    }

    get nextIndex(): number {
        return this.entered;
    }

    /** Enters a frame that is about to be sent. Call it in the order of sending. */
    enterFrame(frameId: bigint, data: Buffer): Entry {
        const entry = this.enter({ data, number: this.nextSequence++, isFrame: true, frameId, index: this.entered++, waiting: true });
        this.frames.set(entry.number, entry);
        this.unanswered.add(entry);
        return entry;
    }

    /** Enters a frame that will not be sent, with its outcome. */
    enterFailed(frameId: bigint, code: FailureCode, message: string): void {
        const entry = this.enter({ data: undefined, number: -1n, isFrame: true, frameId, index: this.entered++, waiting: false });
        this.settleAs(entry, { outcome: 'failed', frameId, index: entry.index, sequence: undefined, code, message });
    }

    enterControl(number: bigint, data: Buffer): Entry {
        const entry: Entry = { data, number, isFrame: false, frameId: 0n, index: -1, waiting: false };
        this.controls.set(number, entry);
        this.lastControl = number;
        this.unanswered.add(entry);
        return entry;
    }

    /** Gives a frame the outcome that the server answered. Undefined when no frame with its number waits for one. */
    settle(answer: FrameOutcome): Entry | undefined {
        const entry = this.frames.get(answer.sequence);
        if (entry) {
            this.frames.delete(answer.sequence);
            this.unanswered.delete(entry);
            this.settleAs(entry, toOutcome(entry, answer));
        }
        return entry;
    }

    /** Unknown numbers do nothing. */
    settleControl(number: bigint): void {
        const entry = this.controls.get(number);
        if (entry) {
            this.controls.delete(number);
            this.unanswered.delete(entry);
        }
    }

    /** The first frame without an outcome, or else the next one, and how many controls have their reply. */
    answered(): { framesAnswered: bigint; controlsAnswered: bigint } {
        const least = (numbers: Iterable<bigint>, otherwise: bigint): bigint => {
            let first = otherwise;
            for (const number of numbers) {
                first = number < first ? number : first;
            }
            return first;
        };
        return {
            framesAnswered: least(this.frames.keys(), this.nextSequence),
            controlsAnswered: least(this.controls.keys(), this.lastControl + 1n) - 1n,
        };
    }

    /** What never arrived, in the order of sending. */
    missing(nextSequence: bigint, controlsReceived: bigint): Entry[] {
        return this.sent().filter((entry) => (entry.isFrame ? entry.number >= nextSequence : entry.number > controlsReceived));
    }

    /** What has no answer, in the order of sending. */
    sent(): Entry[] {
        return [...this.unanswered];
    }

    /** Ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones. */
    withdraw(entry: Entry, code: FailureCode, message: string): void {
        const from = entry.number;
        this.frames.delete(from);
        this.unanswered.delete(entry);
        this.settleAs(entry, failed(entry, code, message));
        for (let number = from + 1n; number < this.nextSequence; number++) {
            const moved = this.frames.get(number);
            if (moved) {
                this.frames.delete(number);
                moved.number = number - 1n;
                this.frames.set(moved.number, moved);
            }
        }
        this.nextSequence--;
    }

    /** Ends every frame that still waits and lets no other in. */
    close(code: FailureCode, message: string): void {
        if (this.closed) {
            return;
        }
        for (const entry of [...this.frames.values()].sort((one, other) => one.index - other.index)) {
            this.settleAs(entry, failed(entry, code, message));
        }
        this.frames.clear();
        this.controls.clear();
        this.unanswered.clear();
        this.closed = true;
        this.onReady();
    }

    private enter(entry: Entry): Entry {
        if (this.ordered) {
            this.inOrder.push(entry);
        }
        return entry;
    }

    private settleAs(entry: Entry, outcome: Outcome): void {
        entry.data = undefined;
        if (this.ordered) {
            entry.outcome = outcome;
            for (let head = this.inOrder[0]; head?.outcome; head = this.inOrder[0]) {
                this.inOrder.shift();
                this.ready.push(head.outcome);
            }
        } else {
            this.ready.push(outcome);
        }
        if (this.ready.length > 0) {
            this.onReady();
        }
    }
}

/** A semaphore whose waiters hear that the session is over, or that their caller gave up. First come, first served. */
export class Credits {
    private readonly waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
    private closed = false;

    constructor(
        private free: number,
        private readonly ended: () => Error,
    ) {}

    async acquire(signal?: AbortSignal): Promise<void> {
        signal?.throwIfAborted();
        if (this.closed) {
            throw this.ended();
        }
        if (this.free > 0) {
            this.free--;
            return;
        }
        await new Promise<void>((resolve, reject) => {
            const waiter = {
                resolve: () => {
                    signal?.removeEventListener('abort', abort);
                    resolve();
                },
                reject,
            };
            const abort = () => {
                const place = this.waiters.indexOf(waiter);
                if (place >= 0) {
                    this.waiters.splice(place, 1);
                    reject(signal?.reason as Error);
                }
            };
            signal?.addEventListener('abort', abort, { once: true });
            this.waiters.push(waiter);
        });
    }

    release(): void {
        const waiter = this.waiters.shift();
        if (waiter) {
            waiter.resolve();
        } else {
            this.free++;
        }
    }

    close(): void {
        this.closed = true;
        for (const waiter of this.waiters.splice(0)) {
            waiter.reject(this.ended());
        }
    }
}

function failed(entry: Entry, code: FailureCode, message: string): Outcome {
    return { outcome: 'failed', frameId: entry.frameId, index: entry.index, sequence: entry.number, code, message };
}

function toOutcome(entry: Entry, answer: FrameOutcome): Outcome {
    const every = { frameId: entry.frameId, index: entry.index, sequence: entry.number };
    const { outcome } = answer;
    switch (outcome.case) {
        case 'result':
            return { ...every, outcome: 'result', analysis: toAnalysis(outcome.value) };
        case 'dropped':
            return { ...every, outcome: 'dropped', reason: outcome.value.reason, ageMs: fromDuration(outcome.value.age) };
        case 'expired':
            return { ...every, outcome: 'expired', ageMs: fromDuration(outcome.value.age), deadlineMs: fromDuration(outcome.value.deadline) };
        case 'failed':
            return failed(entry, toCode(outcome.value.code), outcome.value.message);
        default:
            return failed(entry, 'INTERNAL', 'the server answered with a kind of outcome that this client does not know');
    }
}
