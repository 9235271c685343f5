import { element } from './dom';
import { fill, rounded, texts } from './texts';

export interface Point {
    readonly frame: number;
    /** The server's own number of it. */
    readonly sequence: number;
    readonly seconds: number;
    /** Undefined where the frame has no result. */
    readonly score: number | undefined;
    /** Of the picture, 0 to 1. */
    readonly area: number;
    readonly drift: number | undefined;
    readonly loss: number | undefined;
    readonly verdict: number;
    /** What the frames up to this one say together; undefined where nobody asked, or this one says nothing. */
    readonly over: number | undefined;
    readonly overVerdict: number | undefined;
}

/** A manipulated stretch by the verdicts over time. */
export interface Segment {
    /** By the server's numbers, both of them in it. */
    readonly first: number;
    readonly last: number;
    /** The frame with the highest score, where the server has said which; else it is looked for. */
    readonly peak: number | undefined;
}

/** The newest are kept: a stream may last for days. */
const MOST = 3600;

type Curve = 'score' | 'over' | 'area' | 'drift' | 'loss';
const CURVES: readonly Curve[] = ['score', 'over', 'area', 'drift', 'loss'];
/** Of 1, what a segment of one frame has to be touched by. */
const LEAST_WIDTH = 0.02;
const VERDICTS = [undefined, 'AUTHENTIC', 'UNCERTAIN', 'MANIPULATED'] as const;

/** Curves of a stream, the verdicts under them, and marks where something happened. A slider for the keyboard: its value is the frame shown. */
export class Timeline {
    readonly node: HTMLElement;
    private readonly points: Point[] = [];
    private readonly events: { frame: number; message: string }[] = [];
    private readonly marks: { segment: Segment; node: HTMLButtonElement }[] = [];
    /** From where on the server's numbers are those of the session that goes on. */
    private since = 0;
    private readonly strip = element('div', { className: 'segments', hidden: true, attributes: { role: 'group', 'aria-label': texts.segments } });
    private readonly canvas = element('canvas', {
        width: 960,
        height: 200,
        tabIndex: 0,
        attributes: {
            role: 'slider',
            'aria-label': texts.timeline,
            'aria-describedby': 'timeline-help',
            'aria-valuemin': '0',
            'aria-valuemax': '0',
            'aria-valuenow': '0',
        },
    });
    private at = -1;
    private drawing = false;

    /** @param chosen Somebody went to a frame. */
    constructor(private readonly chosen: (point: Point) => void) {
        this.canvas.addEventListener('keydown', (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -MOST, End: MOST }[event.key];
            if (step !== undefined) {
                event.preventDefault();
                this.go(this.at + step);
            }
        });
        this.canvas.addEventListener('pointerdown', (event) => {
            const { left, width } = this.canvas.getBoundingClientRect();
            this.go(Math.floor(((event.clientX - left) / width) * this.points.length));
        });
        this.node = element(
            'figure',
            { className: 'timeline' },
            this.strip,
            this.canvas,
            element(
                'figcaption',
                {},
                ...CURVES.map((curve) => element('span', { className: `curve ${curve}` }, texts.curve[curve])),
                element('span', { id: 'timeline-help' }, texts.timelineHelp),
            ),
        );
    }

    get length(): number {
        return this.points.length;
    }

    /** The newest is shown, unless somebody went to another. */
    get isLive(): boolean {
        return this.at >= this.points.length - 1;
    }

    add(point: Point): void {
        const live = this.isLive;
        this.points.push(point);
        if (this.points.length > MOST) {
            this.points.shift();
            this.since = Math.max(0, this.since - 1);
            this.at = Math.max(0, this.at - 1);
        }
        if (live) {
            this.at = this.points.length - 1;
        }
        this.draw();
    }

    mark(frame: number, message: string): void {
        this.events.push({ frame, message });
        this.draw();
    }

    /** Another session goes on: its numbers begin anew, and what was said of segments is over. */
    restart(): void {
        this.since = this.points.length;
        this.show([]);
    }

    /** All of them that are known, in order. What has the keyboard keeps it. */
    show(segments: readonly Segment[]): void {
        while (this.marks.length > segments.length) {
            this.marks.pop()?.node.remove();
        }
        segments.forEach((segment, i) => {
            const mark = this.marks[i];
            if (mark) {
                mark.segment = segment;
                return;
            }
            const made = { segment, node: element('button', { type: 'button' }) };
            made.node.addEventListener('click', () => this.toSequence(made.segment.peak ?? this.peakOf(made.segment)));
            this.strip.append(made.node);
            this.marks.push(made);
        });
        this.strip.hidden = segments.length === 0;
        this.draw();
    }

    /** Goes to a frame by the server's number of it, or to the next one that is still known. */
    toSequence(sequence: number): void {
        const place = this.placeOf(sequence);
        if (place < this.points.length) {
            this.go(place);
        }
    }

    /** The first point from there on. */
    private placeOf(sequence: number): number {
        const place = this.points.findIndex((point, i) => i >= this.since && point.sequence >= sequence);
        return place < 0 ? this.points.length : place;
    }

    private peakOf({ first, last }: Segment): number {
        const inside = this.points.slice(this.placeOf(first), this.placeOf(last + 1));
        return inside.reduce((best, point) => ((point.score ?? 0) > (best.score ?? 0) ? point : best), inside[0] ?? { sequence: first, score: 0 })
            .sequence;
    }

    /** Where the segments lie now, and what they are called. */
    private place(): void {
        const count = Math.max(this.points.length, 1);
        this.marks.forEach(({ segment, node }, i) => {
            const [from, to] = [this.placeOf(segment.first), this.placeOf(segment.last + 1)];
            node.hidden = to <= from;
            const [start, end] = [this.points[from]?.seconds ?? 0, this.points[to - 1]?.seconds ?? 0];
            const values = { number: i + 1, from: rounded(start), to: rounded(end) };
            const width = Math.max((to - from) / count, LEAST_WIDTH);
            node.style.left = `${100 * Math.min(from / count, 1 - width)}%`;
            node.style.width = `${100 * width}%`;
            const mark = fill(texts.segmentMark, values);
            node.textContent = mark;
            node.setAttribute('aria-label', fill(texts.segmentGo, { mark }));
        });
    }

    private go(place: number): void {
        this.at = Math.max(0, Math.min(this.points.length - 1, place));
        const point = this.points[this.at];
        if (point) {
            this.chosen(point);
            this.draw();
        }
    }

    private draw(): void {
        if (!this.drawing) {
            this.drawing = true;
            requestAnimationFrame(() => {
                this.drawing = false;
                this.paint();
            });
        }
    }

    private paint(): void {
        this.place();
        const { width, height } = this.canvas;
        const context = this.canvas.getContext('2d') as CanvasRenderingContext2D;
        const style = getComputedStyle(this.canvas);
        // As it is in the light or the dark, which the name alone does not say.
        const colour = (name: string) => {
            this.canvas.style.color = `var(--${name})`;
            return style.color;
        };
        const floor = height - 16;
        const step = width / Math.max(this.points.length, 1);
        context.clearRect(0, 0, width, height);
        const verdicts = ['line', 'authentic', 'uncertain', 'manipulated'];
        this.points.forEach(({ verdict }, i) => {
            context.fillStyle = colour(verdicts[verdict] ?? 'line');
            context.fillRect(i * step, floor + 4, Math.ceil(step), 12);
        });
        for (const curve of CURVES) {
            // Scores and areas are shares; what adaptation says has a scale of its own.
            const most =
                curve === 'score' || curve === 'over' || curve === 'area' ? 1 : Math.max(1e-9, ...this.points.map((point) => point[curve] ?? 0));
            context.strokeStyle = colour(curve);
            context.lineWidth = curve === 'score' ? 3 : 1.5;
            context.setLineDash(curve === 'over' ? [6, 3] : []);
            context.beginPath();
            let pen = false;
            this.points.forEach((point, i) => {
                const value = point[curve];
                if (value === undefined) {
                    pen = false;
                    return;
                }
                const [x, y] = [(i + 0.5) * step, 4 + (floor - 8) * (1 - Math.min(1, value / most))];
                if (pen) {
                    context.lineTo(x, y);
                } else {
                    context.moveTo(x, y);
                }
                pen = true;
            });
            context.stroke();
        }
        context.setLineDash([]);
        const first = this.points[0]?.frame ?? 0;
        context.fillStyle = colour('text');
        for (const { frame } of this.events.filter((event) => event.frame >= first)) {
            const place = this.points.findIndex((point) => point.frame >= frame);
            const x = (place < 0 ? this.points.length : place) * step;
            context.beginPath();
            context.moveTo(x - 5, 0);
            context.lineTo(x + 5, 0);
            context.lineTo(x, 9);
            context.fill();
        }
        context.fillRect((this.at + 0.5) * step - 1, 0, 2, height);
        const point = this.points[this.at];
        this.canvas.setAttribute('aria-valuemax', String(Math.max(0, this.points.length - 1)));
        this.canvas.setAttribute('aria-valuenow', String(Math.max(0, this.at)));
        if (point) {
            const over = VERDICTS[point.overVerdict ?? 0];
            this.canvas.setAttribute(
                'aria-valuetext',
                `${fill(texts.frame, { number: point.frame })}, ${fill(texts.at, { seconds: rounded(point.seconds) })}, ${texts.score} ${rounded(point.score ?? 0, 3)}${over ? `, ${fill(texts.overTime, { verdict: texts.verdict[over] })}` : ''}`,
            );
        }
    }
}
