/** The scenario of clients/scenario, played by this client: `scenario.js SCRIPT ADDRESS CONTROL ROOT`. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
    ConnectionLostError,
    DeliveryMode,
    DropReason,
    LoupeClient,
    MaskAgreement,
    MaskEncoding,
    MaskOmission,
    MaskPolicy,
    NoteCode,
    PixelFormat,
    RequestError,
    RleMask,
    UnavailableError,
    Verdict,
    type AdaptationState,
    type Analysis,
    type ControlReply,
    type FrameFormat,
    type Image,
    type Mask,
    type Outcome,
    type Session,
    type SessionEvent,
    type SessionGrant,
    type SessionSummary,
} from 'loupe-grpc';

type Line = Record<string, unknown>;
interface Wish {
    [name: string]: unknown;
    name?: string;
    kind: string;
    file?: string;
    text?: string;
    zeros?: number;
    first?: number;
    id?: string;
    deadline_us?: number;
    mask?: keyof typeof MaskPolicy;
    raw?: WireFormat & { bytes: number };
    format?: WireFormat;
    delivery?: { mode: keyof typeof DeliveryMode; staleness_us: number };
    thresholds?: { low?: number; high?: number };
    low?: number;
    high?: number;
    adaptation?: { min_confidence?: number; steps_per_frame?: number };
    min_confidence?: number;
    steps_per_frame?: number;
    to_step?: number;
    snapshot?: boolean;
    deterministic?: boolean;
}
interface WireFormat {
    format?: keyof typeof PixelFormat;
    width: number;
    height: number;
    strides?: number[];
}

/** The contract's own name; a value of a newer server is unspecified. */
const nameOf = (names: Record<number, string>, value: number) => names[value] ?? 'UNSPECIFIED';
const thresholds = (pair?: { low: number; high: number }) => [(pair?.low ?? 0).toFixed(4), (pair?.high ?? 0).toFixed(4)];
const withState = (line: Line, state?: AdaptationState): Line =>
    state ? { ...line, adaptation: { step: Number(state.step), hash: Buffer.from(state.hash).toString('hex'), frozen: state.frozen } } : line;

function ofGrant(grant: SessionGrant): Line {
    const line = {
        step: 'open',
        model: grant.model?.name,
        demonstration: grant.model?.demonstration,
        thresholds: thresholds(grant.thresholds),
        mask: [nameOf(MaskPolicy, grant.mask?.policy ?? 0), nameOf(MaskEncoding, grant.mask?.encoding ?? 0)],
        delivery: nameOf(DeliveryMode, grant.delivery?.mode ?? 0),
        credits: grant.limits?.credits,
        unavailable: grant.unavailable.map((part) => part.feature),
    };
    return withState(line, grant.adaptation);
}

function ofMask(mask: Mask, width: number, height: number): Line {
    const bitmap = mask.bitmap();
    if (RleMask.encode(bitmap, height, width).counts !== mask.rle?.counts) {
        throw new Error('a mask that was decoded and encoded is another');
    }
    const area = bitmap.reduce((sum, pixel) => sum + pixel, 0);
    const { box } = mask;
    return {
        area,
        area_holds: area === mask.area,
        box: [box.x, box.y, box.width, box.height],
        pixels: createHash('sha256').update(bitmap).digest('hex'),
    };
}

function ofAnalysis(line: Line, analysis: Analysis): Line {
    const whole: Line = {
        ...line,
        score: analysis.score.toFixed(6),
        verdict: nameOf(Verdict, analysis.verdict),
        used: thresholds(analysis.thresholds),
        size: [analysis.width, analysis.height],
        sha256: analysis.sha256,
        notes: analysis.notes.map((note) => nameOf(NoteCode, note.code)),
        orientation: analysis.orientation,
        agreement: nameOf(MaskAgreement, analysis.maskAgreement),
        ...(analysis.mask
            ? { mask: ofMask(analysis.mask, analysis.width, analysis.height) }
            : { omission: nameOf(MaskOmission, analysis.maskOmission) }),
    };
    return withState(whole, analysis.adaptation);
}

function ofOutcome(outcome: Outcome): Line {
    const line = {
        step: 'outcome',
        frame_id: outcome.frameId.toString(),
        index: outcome.index,
        sequence: outcome.sequence === undefined ? null : Number(outcome.sequence),
        outcome: outcome.outcome.toUpperCase(),
    };
    switch (outcome.outcome) {
        case 'result':
            return ofAnalysis(line, outcome.analysis);
        case 'dropped':
            return { ...line, reason: nameOf(DropReason, outcome.reason) };
        case 'failed':
            return { ...line, code: outcome.code, message: outcome.message };
        case 'expired':
            return line;
    }
}

function ofReply(control: string, reply: ControlReply): Line {
    const snapshot = reply.snapshot.length > 0 ? { snapshot: reply.snapshot.length } : {};
    return withState({ step: 'control', control, thresholds: thresholds(reply.thresholds), ...snapshot }, reply.adaptation);
}

function ofSummary(summary: SessionSummary): Line {
    const counts = { frames: summary.frames, results: summary.results, dropped: summary.dropped, expired: summary.expired, failed: summary.failed };
    const line = {
        step: 'summary',
        ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)])),
        reasons: Object.fromEntries(summary.reasons.map(({ reason, count }) => [reason, Number(count)])),
        verdicts: Object.fromEntries(summary.verdicts.map(({ verdict, count }) => [nameOf(Verdict, verdict), Number(count)])),
        timeline: summary.timeline.map((run) => [Number(run.firstSequence), Number(run.lastSequence)]),
    };
    return withState(line, summary.adaptation);
}

function sorted(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(sorted);
    }
    return value !== null && typeof value === 'object'
        ? Object.fromEntries(
              Object.entries(value)
                  .sort(([one], [other]) => (one < other ? -1 : 1))
                  .map(([key, inner]) => [key, sorted(inner)]),
          )
        : value;
}

const print = (line: Line) => {
    console.log(JSON.stringify(sorted(line)));
};

class Player {
    private session: Session | undefined;
    private results: AsyncGenerator<Outcome> | undefined;
    private events: AsyncGenerator<SessionEvent> | undefined;
    private snapshot: Uint8Array | undefined;

    constructor(
        private readonly client: LoupeClient,
        private readonly control: string,
        private readonly root: string,
    ) {}

    async play(part: { name: string; steps: Record<string, unknown>[] }): Promise<void> {
        print({ step: 'part', name: part.name });
        for (const step of part.steps) {
            const [[kind, wish] = ['', {}]] = Object.entries(step);
            try {
                await this.step(kind, wish);
            } catch (error) {
                const code =
                    error instanceof RequestError
                        ? error.code
                        : error instanceof ConnectionLostError
                          ? 'CONNECTION_LOST'
                          : error instanceof UnavailableError
                            ? 'UNAVAILABLE'
                            : error instanceof Error && error.message.includes('being completed')
                              ? 'COMPLETED'
                              : undefined;
                if (code === undefined) {
                    throw error;
                }
                print({ step: kind, error: code });
            }
        }
    }

    async close(): Promise<void> {
        await this.session?.close();
        this.session = undefined;
    }

    private get open(): Session {
        if (!this.session) {
            throw new Error('the script uses a session that it did not open');
        }
        return this.session;
    }

    private async step(kind: string, value: unknown): Promise<void> {
        const wish = value as Wish;
        switch (kind) {
            case 'open':
                await this.close();
                this.session = await this.client.openSession({
                    name: wish.name,
                    frameFormat: wish.format && format(wish.format),
                    delivery: wish.delivery && { mode: DeliveryMode[wish.delivery.mode], stalenessBudgetMs: wish.delivery.staleness_us / 1000 },
                    masks: masks(wish),
                    thresholds: wish.thresholds,
                    adaptation: wish.adaptation && adaptation(wish.adaptation),
                    adaptationSnapshot: wish.snapshot ? this.snapshot : undefined,
                    deterministic: wish.deterministic,
                });
                this.results = this.session.results();
                this.events = this.session.events();
                print(ofGrant(this.session.grant));
                break;
            case 'analyze': {
                const analysis = await this.client.analyzeImage(this.image(wish), { thresholds: wish.thresholds, masks: masks(wish) });
                print(ofAnalysis({ step: 'analyze', model: (await this.client.serverInfo()).model?.name }, analysis));
                break;
            }
            case 'send':
                await this.open.send({
                    image: this.image(wish),
                    frameId: BigInt(wish.id ?? 0),
                    deadlineMs: wish.deadline_us === undefined ? undefined : wish.deadline_us / 1000,
                });
                break;
            case 'read':
                for (let left = value as number; left > 0; left--) {
                    const next = await this.results?.next();
                    if (!next || next.done) {
                        throw new Error(`the session ended with ${left} outcomes to come: ${this.open.fault?.message ?? ''}`);
                    }
                    print(ofOutcome(next.value));
                }
                break;
            case 'control': {
                const reply = await this.sendControl(wish);
                this.snapshot = reply.snapshot.length > 0 ? reply.snapshot : this.snapshot;
                print(ofReply(wish.kind, reply));
                break;
            }
            case 'proxy':
                await this.send(value as string);
                break;
            case 'takeover':
                await this.send(`takeover ${Buffer.from(this.open.grant.resumeToken).toString('hex')}`);
                break;
            case 'resumed':
                for (let next = await this.events?.next(); next && !next.done && next.value.event !== 'resumed'; next = await this.events?.next());
                print({ step: 'resumed', lost: this.open.fault !== undefined });
                break;
            case 'fault':
                for (let next = await this.results?.next(); next && !next.done; next = await this.results?.next()) {
                    print(ofOutcome(next.value));
                }
                print({ step: 'fault', lost: this.open.fault instanceof ConnectionLostError });
                break;
            case 'complete':
                print(ofSummary(await this.open.complete()));
                break;
            case 'close':
                await this.close();
                break;
            default:
                throw new Error(`the script has a step ${kind} that this player does not know`);
        }
    }

    private sendControl(wish: Wish): Promise<ControlReply> {
        switch (wish.kind) {
            case 'set_thresholds':
                return this.open.setThresholds({ low: wish.low, high: wish.high });
            case 'set_mask':
                return this.open.setMasks(masks(wish) ?? {});
            case 'flush':
                return this.open.flush();
            case 'set_adaptation':
                return this.open.setAdaptation(adaptation(wish));
            case 'freeze_adaptation':
                return this.open.freezeAdaptation();
            case 'resume_adaptation':
                return this.open.resumeAdaptation();
            case 'reset_adaptation':
                return this.open.resetAdaptation();
            case 'rollback_adaptation':
                return this.open.rollbackAdaptation(wish.to_step);
            case 'snapshot_adaptation':
                return this.open.snapshotAdaptation();
            default:
                throw new Error(`the script has a control ${wish.kind} that this player does not know`);
        }
    }

    private image(wish: Wish): Image {
        if (wish.raw) {
            const pixels = Uint8Array.from({ length: wish.raw.bytes }, (_, i) => i * 31 + Math.floor(i / 97) * 17);
            return { pixels, format: wish.raw.format && format(wish.raw) };
        }
        if (wish.text !== undefined) {
            return Buffer.from(wish.text);
        }
        if (wish.zeros !== undefined) {
            return new Uint8Array(wish.zeros);
        }
        const path = join(this.root, wish.file ?? '');
        return wish.first === undefined ? path : readFileSync(path).subarray(0, wish.first);
    }

    private async send(command: string): Promise<void> {
        const colon = this.control.lastIndexOf(':');
        const answer = await new Promise<string>((resolve, reject) => {
            let heard = '';
            const socket = connect(Number(this.control.slice(colon + 1)), this.control.slice(0, colon), () => socket.write(`${command}\n`));
            socket.on('data', (data) => (heard += data.toString()));
            socket.on('end', () => {
                resolve(heard.trim());
            });
            socket.on('error', reject);
        });
        if (answer !== 'ok') {
            throw new Error(`the proxy answered ${command} with ${answer}`);
        }
    }
}

const format = (wish: WireFormat): FrameFormat => ({
    pixelFormat: PixelFormat[wish.format ?? 'UNSPECIFIED'],
    width: wish.width,
    height: wish.height,
    strides: wish.strides ?? [],
});
const masks = (wish: Wish) => (wish.mask ? { policy: MaskPolicy[wish.mask] } : undefined);
const adaptation = (wish: { min_confidence?: number; steps_per_frame?: number }) => ({
    ...(wish.min_confidence === undefined ? {} : { minConfidence: wish.min_confidence }),
    ...(wish.steps_per_frame === undefined ? {} : { stepsPerFrame: wish.steps_per_frame }),
});

/** Frames a second of one stream, and the client's own processor time for each. `nv12`: raw pixels of 1920x1080; else a picture file. */
async function speed(address: string, kind: string, count: number): Promise<Line> {
    const image: Image =
        kind === 'nv12'
            ? { pixels: new Uint8Array((1920 * 1080 * 3) / 2), format: { pixelFormat: PixelFormat.NV12, width: 1920, height: 1080 } }
            : readFileSync(kind);
    const client = await LoupeClient.connect({ address });
    const run = async (frames: number) => {
        let results = 0;
        for await (const outcome of client.analyze(Array<Image>(frames).fill(image), { masks: { policy: MaskPolicy.NEVER } })) {
            results += outcome.outcome === 'result' ? 1 : 0;
        }
        if (results !== frames) {
            throw new Error(`${results} of ${frames} frames have a result`);
        }
    };
    await run(10);
    const [started, before] = [performance.now(), process.cpuUsage()];
    await run(count);
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(before);
    client.close();
    return { frames_per_second: Math.round((count / seconds) * 10) / 10, cpu_ms_per_frame: Math.round((user + system) / count / 10) / 100 };
}

const [script = '', address = '', control = '', root = ''] = process.argv.slice(2);
if (script === '--speed') {
    print(await speed(address, control, Number(root)));
} else {
    const client = new LoupeClient({ address, clientName: 'scenario' });
    const player = new Player(client, control, root);
    const { parts } = JSON.parse(readFileSync(script, 'utf8')) as { parts: Parameters<Player['play']>[0][] };
    for (const part of parts) {
        await player.play(part);
    }
    await player.close();
    client.close();
}
