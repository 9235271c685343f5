import { element } from './dom';
import type { FrameOutcome, FrameResult } from './gen/loupe/v1/result_pb';
import { Verdict } from './gen/loupe/v1/result_pb';
import type { SessionEvent, SessionSummary, TemporalSegment } from './gen/loupe/v1/session_pb';
import { gauge } from './gauge';
import { button } from './pictures';
import { Session, type Action, type State } from './session';
import type { VerdictName } from './server';
import { fill, language, rounded, texts } from './texts';
import { Scratch } from './scratch';
import { Timeline, type Point, type Segment } from './timeline';
import { Viewer } from './viewer';

/** Longest side of a frame that is sent, in pixels: larger ones would be squeezed by the model anyway. */
const LONGEST = 960;
/** Frames whose pictures are kept to go back to, as JPEG files. */
const KEPT = 1000;
/** Of a stream that goes on, as many as the server keeps. */
const SEGMENTS = 256;
/** Of a clip: a browser that has time skips no frame. */
const PACE = 0.5;

interface Kept {
    /** Until its result was shown; then a file that takes less memory. */
    picture: ImageBitmap | Blob;
    readonly seconds: number;
    result?: FrameResult;
}

/** Several sessions side by side, each with a source of its own. */
export class Streams {
    readonly node: HTMLElement;
    private count = 0;

    constructor() {
        const views = element('div', { className: 'streams' });
        const add = () => {
            const view = new Stream(++this.count, () => view.node.remove());
            views.append(view.node);
        };
        add();
        this.node = element(
            'section',
            { id: 'stream', hidden: true, attributes: { role: 'tabpanel', 'aria-labelledby': 'tab-stream' } },
            views,
            button(texts.newSession, add),
        );
    }
}

/** One session: a clip or the camera, what was found in the frame shown, and the curves of all. */
class Stream {
    readonly node: HTMLElement;
    private readonly scratch = new Scratch();
    private readonly video = element('video', { muted: true, playsInline: true, className: 'hidden' });
    private readonly status = element('p', { className: 'state', attributes: { role: 'status' } });
    private readonly numbers = element('p', { className: 'numbers' });
    private readonly facts = element('div', { className: 'facts' });
    private readonly adaptation = element('p', { className: 'adaptation' });
    private readonly events = element('ol', { className: 'events', attributes: { 'aria-label': texts.events } });
    private readonly outcome = element('div', {});
    private readonly adapt = element('input', { type: 'checkbox' });
    private readonly compare = element('input', { type: 'checkbox' });
    private readonly temporal = element('input', { type: 'checkbox', checked: true });
    private readonly tiles = element('input', { type: 'checkbox' });
    private readonly viewer = new Viewer(texts.stream);
    private readonly base = new Viewer(texts.base);
    private readonly beside: HTMLElement;
    private readonly controls: HTMLElement;
    private readonly stopping: HTMLButtonElement;
    private timeline = new Timeline((point) => void this.show(point.frame));
    private readonly plot = element('div', {});
    private readonly kept = new Map<number, Kept>();
    private session: Session | undefined;
    /** Those that are known while it runs; at its end the server says which there were. */
    private segments: { first: number; last: number; peak: undefined }[] = [];
    private counts = { frames: 0, results: 0, lost: 0, skipped: 0 };
    private presented = 0;
    private startedAt = 0;

    constructor(number: number, removed: () => void) {
        const file = element('input', { type: 'file', accept: 'video/*', className: 'hidden', attributes: { 'aria-label': texts.chooseClip } });
        file.addEventListener('change', () => {
            const chosen = file.files?.[0];
            if (chosen) {
                void this.play(URL.createObjectURL(chosen), chosen.name);
            }
            file.value = '';
        });
        this.stopping = button(texts.stop, () => this.stop());
        this.stopping.disabled = true;
        const control = (text: string, action: Action) => button(text, () => this.session?.control(action));
        this.controls = element(
            'div',
            { className: 'row', hidden: true },
            control(texts.freeze, { case: 'freezeAdaptation', value: {} }),
            control(texts.resume, { case: 'resumeAdaptation', value: {} }),
            control(texts.rollback, { case: 'rollbackAdaptation', value: { target: { case: 'lastSnapshot', value: true } } }),
            control(texts.reset, { case: 'resetAdaptation', value: {} }),
            this.adaptation,
        );
        this.beside = element('div', { className: 'view', hidden: true }, element('h3', {}, texts.base), this.base.node);
        this.plot.append(this.timeline.node);
        this.node = element(
            'article',
            { className: 'session' },
            element(
                'header',
                {},
                element('h2', {}, fill(texts.session, { number })),
                button(texts.close, () => {
                    this.stop();
                    this.session?.close();
                    removed();
                }),
            ),
            element(
                'div',
                { className: 'row' },
                button(texts.clipSample, () => void this.play('/samples/clip.webm', 'clip.webm')),
                button(texts.chooseClip, () => file.click()),
                button(texts.camera, () => void this.film()),
                this.stopping,
                file,
            ),
            element(
                'div',
                { className: 'row' },
                element('label', {}, this.adapt, texts.adapt),
                element('label', {}, this.compare, texts.compare),
                element('label', {}, this.temporal, texts.temporal),
                element('label', {}, this.tiles, texts.tiles),
            ),
            this.status,
            element('div', { className: 'views' }, element('div', { className: 'view' }, this.viewer.node), this.beside, this.facts),
            this.controls,
            this.plot,
            this.numbers,
            this.outcome,
            this.events,
            this.video,
        );
        this.compare.addEventListener('change', () => (this.adapt.checked ||= this.compare.checked));
        // A session that adapts looks at frames whole.
        for (const other of [this.adapt, this.compare]) {
            other.addEventListener('change', () => (this.tiles.checked &&= !other.checked));
        }
        this.tiles.addEventListener('change', () => {
            this.adapt.checked &&= !this.tiles.checked;
            this.compare.checked &&= !this.tiles.checked;
        });
    }

    private async play(address: string, name: string): Promise<void> {
        this.stop();
        this.video.srcObject = null;
        this.video.src = address;
        this.video.playbackRate = PACE;
        await this.run(name, false);
    }

    private async film(): Promise<void> {
        this.stop();
        try {
            this.video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: LONGEST } } });
        } catch (error) {
            this.status.textContent = fill(texts.cameraDenied, { reason: error instanceof Error ? error.message : String(error) });
            return;
        }
        await this.run(texts.camera, true);
    }

    private async run(name: string, live: boolean): Promise<void> {
        this.kept.forEach(discard);
        this.kept.clear();
        this.counts = { frames: 0, results: 0, lost: 0, skipped: 0 };
        this.timeline = new Timeline((point) => void this.show(point.frame));
        this.plot.replaceChildren(this.timeline.node);
        this.segments = [];
        this.events.replaceChildren();
        this.outcome.replaceChildren();
        this.controls.hidden = !this.adapt.checked;
        this.beside.hidden = !this.compare.checked;
        this.startedAt = performance.now();
        this.presented = 0;
        const session = new Session(
            {
                name,
                freshest: live,
                adapt: this.adapt.checked,
                compare: this.compare.checked,
                temporal: this.temporal.checked,
                tiles: this.tiles.checked,
                language,
            },
            {
                outcome: (frame, outcome) => this.take(frame, outcome),
                event: (event) => this.mark(event),
                reply: (reply) => reply.failed && this.note(reply.failed.message),
                state: (state, reason) => this.enter(state, reason),
                summary: (summary) => this.sum(summary),
            },
        );
        this.session = session;
        this.stopping.disabled = false;
        const isMine = () => this.session === session;
        try {
            if (await session.room()) {
                await this.frames(session, isMine, live);
            }
        } catch {
            if (isMine() && (this.video.error || !live)) {
                this.note(texts.clipBroken);
            }
        }
        session.complete();
    }

    /** Each frame that the browser shows, until the source ends. A clip waits where there is no room for its next. */
    private async frames(session: Session, isMine: () => boolean, live: boolean): Promise<void> {
        let seconds = live ? await this.following() : await this.first();
        for (let frame = 0; seconds !== undefined && isMine(); frame++) {
            const { videoWidth, videoHeight } = this.video;
            const scale = Math.min(1, LONGEST / Math.max(videoWidth, videoHeight));
            const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
            const context = this.scratch.of(width, height);
            context.drawImage(this.video, 0, 0, width, height);
            const rgba = context.getImageData(0, 0, width, height).data;
            const rgb = new Uint8Array(width * height * 3);
            for (let from = 0, to = 0; from < rgba.length; from += 4) {
                rgb[to++] = rgba[from] ?? 0;
                rgb[to++] = rgba[from + 1] ?? 0;
                rgb[to++] = rgba[from + 2] ?? 0;
            }
            this.keep(frame, { picture: context.canvas.transferToImageBitmap(), seconds });
            session.send(frame, rgb, width, height, seconds);
            this.counts.frames++;
            if (!live && session.isFull) {
                this.video.pause();
            }
            if (!(await session.room()) || !isMine()) {
                return;
            }
            seconds = await this.following();
        }
    }

    /** The time of the first frame of a clip, which is there before it plays. Rejects where it cannot be. */
    private async first(): Promise<number> {
        const { video } = this;
        await new Promise<void>((resolve, reject) => {
            const fail = () => reject(new Error(video.error?.message));
            if (video.error) {
                fail();
            } else if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
                resolve();
            } else {
                video.addEventListener('loadeddata', () => resolve(), { once: true });
                video.addEventListener('error', fail, { once: true });
            }
        });
        this.presented = 1;
        return video.currentTime;
    }

    /** The time of the next frame shown, of a source that plays on for it. Listened for before it does. */
    private async following(): Promise<number | undefined> {
        const next = this.next();
        if (this.video.paused && !this.video.ended) {
            await this.video.play();
        }
        return next;
    }

    /** The time of the next frame shown; undefined where none comes. */
    private next(): Promise<number | undefined> {
        return new Promise((resolve) => {
            const { video } = this;
            const done = (seconds?: number) => {
                video.removeEventListener('ended', ended);
                video.removeEventListener('error', ended);
                video.removeEventListener('emptied', ended);
                video.cancelVideoFrameCallback(waiting);
                resolve(seconds);
            };
            const ended = () => done();
            const look = (_: number, frame: VideoFrameCallbackMetadata) => {
                if (frame.presentedFrames === this.presented) {
                    // The first of a clip, which was taken before it was shown.
                    waiting = video.requestVideoFrameCallback(look);
                    return;
                }
                this.counts.skipped += this.presented > 0 ? frame.presentedFrames - this.presented - 1 : 0;
                this.presented = frame.presentedFrames;
                done(frame.mediaTime);
            };
            let waiting = video.requestVideoFrameCallback(look);
            if (video.ended) {
                done();
                return;
            }
            video.addEventListener('ended', ended);
            video.addEventListener('error', ended);
            video.addEventListener('emptied', ended);
        });
    }

    private keep(frame: number, shown: Kept): void {
        this.kept.set(frame, shown);
        for (const [old, kept] of this.kept) {
            if (this.kept.size <= KEPT) {
                break;
            }
            discard(kept);
            this.kept.delete(old);
        }
    }

    private take(frame: number, { outcome, sequence }: FrameOutcome): void {
        const result = outcome.case === 'result' ? outcome.value : undefined;
        const kept = this.kept.get(frame);
        if (result) {
            this.counts.results++;
            if (kept) {
                kept.result = result;
            }
        } else {
            this.counts.lost++;
            if (outcome.case === 'failed') {
                this.note(`${fill(texts.frame, { number: frame })}: ${outcome.value.message}`);
            }
        }
        const live = this.timeline.isLive;
        const adaptation = result?.adaptation;
        const over = result?.temporal;
        this.timeline.add({
            frame,
            sequence: Number(sequence),
            seconds: kept?.seconds ?? 0,
            score: result?.score,
            area: result?.mask ? Number(result.mask.area) / (result.width * result.height) : 0,
            drift: adaptation?.drift,
            loss: adaptation?.lastLoss,
            verdict: result?.verdict ?? 0,
            over: over?.score,
            overVerdict: over?.verdict,
        } satisfies Point);
        if (result && over?.verdict === Verdict.MANIPULATED) {
            this.follow(Number(over.sinceSequence), Number(sequence), result.verdict === Verdict.MANIPULATED);
        }
        if (kept && result) {
            void this.settle(frame, kept, live);
        } else if (kept) {
            // Nobody goes back to it, and as pixels it takes ten times what others do.
            discard(kept);
            this.kept.delete(frame);
        }
        if (adaptation) {
            this.adaptation.textContent =
                fill(texts.adaptation, {
                    step: String(adaptation.step),
                    drift: rounded(adaptation.drift, 3),
                    loss: rounded(adaptation.lastLoss, 3),
                }) + (adaptation.frozen ? `, ${texts.frozen}` : '');
        }
        const rate = (1000 * this.counts.results) / Math.max(1, performance.now() - this.startedAt);
        this.numbers.textContent = [
            fill(texts.frames, this.counts),
            this.counts.skipped > 0 && fill(texts.skipped, this.counts),
            fill(texts.rate, { rate: rounded(rate, 1) }),
        ]
            .filter(Boolean)
            .join('. ');
    }

    /** A segment goes on, or begins: a frame that is not manipulated by itself may lie in it, but does not end it. */
    private follow(first: number, sequence: number, isManipulated: boolean): void {
        const current = this.segments.at(-1);
        if (current?.first !== first) {
            this.segments.push({ first, last: sequence, peak: undefined });
            this.segments.splice(0, this.segments.length - SEGMENTS);
        } else if (isManipulated) {
            current.last = sequence;
        }
        this.timeline.show(this.segments);
    }

    /** Shows a frame that has its result, if the newest are to be seen, and keeps it in less memory. */
    private async settle(frame: number, kept: Kept, live: boolean): Promise<void> {
        const { picture } = kept;
        if (live) {
            await this.show(frame);
        }
        if (picture instanceof ImageBitmap) {
            const context = this.scratch.of(picture.width, picture.height);
            context.drawImage(picture, 0, 0);
            // Of the pixels as they are now: whoever draws next has others.
            kept.picture = await context.canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
            picture.close();
        }
    }

    private async show(frame: number): Promise<void> {
        const kept = this.kept.get(frame);
        if (!kept?.result) {
            return;
        }
        const { result } = kept;
        const picture = kept.picture instanceof Blob ? await createImageBitmap(kept.picture) : kept.picture;
        const rle = (mask: FrameResult['mask']) => (mask?.data.case === 'rle' ? mask.data.value : undefined);
        await this.viewer.set(picture, result.width, result.height, 1, rle(result.mask));
        if (!this.beside.hidden) {
            await this.base.set(picture, result.width, result.height, 1, rle(result.baseMask));
        }
        const verdict = Verdict[result.verdict] as VerdictName;
        const [low, high] = [round(result.thresholds?.low ?? 0.4), round(result.thresholds?.high ?? 0.6)];
        this.facts.replaceChildren(
            element('p', {}, fill(texts.frame, { number: frame })),
            gauge(
                result.score,
                low,
                high,
                verdict,
                result.explanation.length > 0 ? result.explanation.map((sentence) => sentence.text) : [fill(texts.meaning[verdict], { low, high })],
            ),
            ...[overTime(result), inTiles(result)].filter((shown) => shown !== false),
        );
    }

    private mark(event: SessionEvent): void {
        this.timeline.mark(Number(event.sequence), event.message);
        this.note(`${fill(texts.frame, { number: String(event.sequence) })}: ${event.message}`);
    }

    private note(text: string): void {
        this.events.append(element('li', {}, text));
        while (this.events.children.length > 100) {
            this.events.firstElementChild?.remove();
        }
    }

    private enter(state: State, reason: string): void {
        this.status.textContent = fill(texts.state[state], { reason });
        this.status.dataset.state = state;
        if (state === 'resumed' || state === 'restarted' || state === 'failed') {
            this.note(fill(texts.state[state], { reason }));
        }
        if (state === 'restarted') {
            this.segments = [];
            this.timeline.restart();
        }
        if (state === 'done' || state === 'failed') {
            this.stopping.disabled = true;
        }
    }

    private sum(summary: SessionSummary): void {
        const manipulated = Number(summary.verdicts.find((count) => count.verdict === Verdict.MANIPULATED)?.count ?? 0n);
        this.outcome.replaceChildren(
            element('p', { className: 'summary' }, fill(texts.summary, { manipulated, frames: String(summary.frames) })),
            ...(summary.scenes > 0n ? this.sumOverTime(summary) : [framesManipulated(summary)]),
        );
    }

    /** The server's own list, which replaces what was seen while it ran. */
    private sumOverTime({ segments, segmentsTruncated, scenes }: SessionSummary): HTMLElement[] {
        this.timeline.show(
            segments.map((segment): Segment => ({
                first: Number(segment.firstSequence),
                last: Number(segment.lastSequence),
                peak: segment.peak && Number(segment.peak.sequence),
            })),
        );
        return [
            element(
                'p',
                {},
                fill(texts.segmentsFound, { segments: segments.length, scenes: String(scenes) }),
                segmentsTruncated && ` ${texts.segmentsMore}`,
            ),
            element('ul', { className: 'found-over' }, ...segments.map((segment) => this.entry(segment))),
        ];
    }

    private entry(segment: TemporalSegment): HTMLElement {
        const go = (sequence: bigint) => () => this.timeline.toSequence(Number(sequence));
        const text = fill(texts.segmentText, {
            from: seconds(segment.start),
            to: seconds(segment.end),
            manipulated: String(segment.manipulated),
            frames: String(segment.results),
            peak: rounded(segment.peak?.score ?? 0, 3),
        });
        return element(
            'li',
            {},
            text,
            segment.missing > 0n && `, ${fill(texts.segmentMissing, { missing: String(segment.missing) })}`,
            element(
                'div',
                { className: 'row' },
                texts.lookAt,
                ...segment.evidence.map((frame) =>
                    button(`${fill(texts.at, { seconds: seconds(frame.time) })}: ${rounded(frame.score, 3)}`, go(frame.sequence)),
                ),
            ),
        );
    }

    private stop(): void {
        const { session } = this;
        this.session = undefined;
        this.video.pause();
        if (this.video.srcObject instanceof MediaStream) {
            this.video.srcObject.getTracks().forEach((track) => track.stop());
        }
        session?.complete();
    }
}

function discard(kept: Kept): void {
    if (kept.picture instanceof ImageBitmap) {
        kept.picture.close();
    }
}

function round(threshold: number): number {
    return Math.round(threshold * 1e6) / 1e6;
}

function seconds(time: { seconds: bigint; nanos: number } | undefined): string {
    return rounded(Number(time?.seconds ?? 0n) + (time?.nanos ?? 0) / 1e9);
}

/** Stretches of frames that are manipulated one by one, where nobody asked for verdicts over time. */
function framesManipulated({ timeline }: SessionSummary): HTMLElement {
    return element(
        'ul',
        {},
        ...timeline.map((part) =>
            element('li', {}, fill(texts.segment, { from: seconds(part.start), to: seconds(part.end), peak: rounded(part.peakScore, 3) })),
        ),
    );
}

/** The verdict over time beside the frame's own. */
function overTime({ temporal }: FrameResult): HTMLElement | false {
    if (!temporal) {
        return false;
    }
    const verdict = Verdict[temporal.verdict] as VerdictName;
    return element(
        'p',
        { className: 'overtime' },
        element('strong', { className: verdict.toLowerCase() }, fill(texts.overTime, { verdict: texts.verdict[verdict] })),
        ` ${rounded(temporal.score, 3)}, ${fill(texts.overTimeWhy, { frames: temporal.frames })}`,
        temporal.verdict === Verdict.MANIPULATED && `, ${fill(texts.overTimeSince, { frame: String(temporal.sinceSequence) })}`,
        !temporal.counted && `; ${texts.overTimeNot}`,
    );
}

/** Which part of the frame was looked at, and what the score is made of beside it. */
function inTiles({ tiles }: FrameResult): HTMLElement | false {
    if (!tiles?.window) {
        return false;
    }
    const { analysed, total, peak, window } = tiles;
    const score = rounded(peak?.score ?? 0, 3);
    return element(
        'p',
        { className: 'tiles' },
        [
            fill(texts.tilesFresh, { fresh: window.fresh, total }),
            fill(texts.tilesPooled, { analysed, total, frames: window.frames, size: window.size }),
            window.masked > 0 && fill(texts.tilesMasked, { masked: window.masked }),
            window.peakAge > 0 ? fill(texts.tilesPeakBefore, { score, age: window.peakAge }) : fill(texts.tilesPeak, { score }),
        ]
            .filter(Boolean)
            .join(' '),
    );
}
