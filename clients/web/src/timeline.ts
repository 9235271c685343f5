import { element } from './dom';
import { fill, rounded, texts } from './texts';

export interface Point {
    readonly frame: number;
    readonly seconds: number;
    /** Undefined where the frame has no result. */
    readonly score: number | undefined;
    /** Of the picture, 0 to 1. */
    readonly area: number;
    readonly drift: number | undefined;
    readonly loss: number | undefined;
    readonly verdict: number;
}

/** The newest are kept: a stream may last for days. */
const MOST = 3600;

type Curve = 'score' | 'area' | 'drift' | 'loss';
const CURVES: readonly Curve[] = ['score', 'area', 'drift', 'loss'];

/** Curves of a stream, the verdicts under them, and marks where something happened. A slider for the keyboard: its value is the frame shown. */
export class Timeline {
    readonly node: HTMLElement;
    private readonly points: Point[] = [];
    private readonly events: { frame: number; message: string }[] = [];
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
            const most = curve === 'score' || curve === 'area' ? 1 : Math.max(1e-9, ...this.points.map((point) => point[curve] ?? 0));
            context.strokeStyle = colour(curve);
            context.lineWidth = curve === 'score' ? 3 : 1.5;
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
            this.canvas.setAttribute(
                'aria-valuetext',
                `${fill(texts.frame, { number: point.frame })}, ${fill(texts.at, { seconds: rounded(point.seconds) })}, ${texts.score} ${rounded(point.score ?? 0, 3)}`,
            );
        }
    }
}
