import { element } from './dom';
import { colourAgainst, layer, shown, warm } from './masks';
import { Scratch } from './scratch';
import { texts } from './texts';

/** Longest side of what is drawn, in pixels. */
const LONGEST = 1280;

export type Mode = 'outline' | 'mask' | 'heat' | 'plain';

/** A picture, over it what was found, and a slider that says how much of it shows that. Upright, as people look at pictures. */
export class Viewer {
    readonly node: HTMLElement;
    private readonly under = element('canvas', { attributes: { role: 'img' } });
    private readonly scratch = new Scratch();
    private readonly over = element('canvas', { attributes: { 'aria-hidden': 'true' } });
    private readonly slider = element('input', { type: 'range', min: '0', max: '100', value: '100', attributes: { 'aria-label': texts.slider } });
    private stored: { picture: CanvasImageSource | undefined; width: number; height: number; orientation: number } | undefined;
    private mask: { size: readonly number[]; counts: string } | undefined;

    /** @param heat Asks for the heat map; undefined where there is none. */
    constructor(
        label: string,
        private readonly heat?: () => Promise<Blob>,
    ) {
        this.under.setAttribute('aria-label', label);
        const modes: Mode[] = heat ? ['outline', 'mask', 'heat', 'plain'] : ['outline', 'mask', 'plain'];
        const name = `mode-${Math.random().toString(36).slice(2)}`;
        const choices = modes.map((mode) => {
            const input = element('input', { type: 'radio', name, value: mode, checked: mode === 'outline' });
            input.addEventListener('change', () => void this.show(mode));
            return element('label', {}, input, texts[mode]);
        });
        this.slider.addEventListener('input', () => this.cut());
        this.node = element(
            'div',
            { className: 'viewer' },
            element('div', { className: 'stack' }, this.under, this.over),
            element('div', { className: 'modes', attributes: { role: 'radiogroup', 'aria-label': texts.layers } }, ...choices),
            this.slider,
        );
    }

    get mode(): Mode {
        return (this.node.querySelector('input[type=radio]:checked') as HTMLInputElement).value as Mode;
    }

    /** @param picture In stored pixels; undefined where the browser cannot read the file. */
    set(
        picture: CanvasImageSource | undefined,
        width: number,
        height: number,
        orientation: number,
        mask?: { size: readonly number[]; counts: string },
    ): Promise<void> {
        const scale = Math.min(1, LONGEST / Math.max(width, height, 1));
        this.stored = { picture, width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)), orientation };
        this.mask = mask;
        this.draw(this.under, (context) => {
            if (picture) {
                context.drawImage(picture, 0, 0, this.stored?.width ?? 0, this.stored?.height ?? 0);
            }
        });
        return this.show(this.mode);
    }

    private async show(mode: Mode): Promise<void> {
        const { stored } = this;
        if (!stored) {
            return;
        }
        let made: ImageData | undefined;
        if (mode === 'heat' && this.heat) {
            made = await this.heat()
                .then((blob) => createImageBitmap(blob))
                .then(
                    (bitmap) => warm(this.pixels(bitmap)),
                    () => undefined,
                );
            if (this.mode !== mode) {
                return;
            }
        } else if (mode !== 'plain' && this.mask) {
            const mask = shown(this.mask.size, this.mask.counts, LONGEST);
            made = layer(mask, colourAgainst(this.pixels(stored.picture), mask), mode === 'mask');
        }
        this.draw(this.over, (context) => {
            if (made) {
                const source = this.scratch.of(made.width, made.height);
                source.putImageData(made, 0, 0);
                context.drawImage(source.canvas, 0, 0, stored.width, stored.height);
            }
        });
        this.cut();
    }

    /** In stored pixels, at the size they are drawn at. */
    private pixels(picture: CanvasImageSource | undefined): ImageData {
        const { width, height } = this.stored ?? { width: 1, height: 1 };
        const context = this.scratch.of(width, height);
        if (picture) {
            context.drawImage(picture, 0, 0, width, height);
        }
        return context.getImageData(0, 0, width, height);
    }

    private draw(canvas: HTMLCanvasElement, paint: (context: CanvasRenderingContext2D) => void): void {
        const { width, height, orientation } = this.stored ?? { width: 1, height: 1, orientation: 1 };
        const turned = orientation > 4;
        canvas.width = turned ? height : width;
        canvas.height = turned ? width : height;
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        context.setTransform(...uprightOf(orientation, width, height));
        paint(context);
    }

    private cut(): void {
        this.over.style.clipPath = `inset(0 ${100 - Number(this.slider.value)}% 0 0)`;
    }
}

/** From stored pixels to upright ones, for each of EXIF's orientations. */
function uprightOf(orientation: number, width: number, height: number): [number, number, number, number, number, number] {
    switch (orientation) {
        case 2:
            return [-1, 0, 0, 1, width, 0];
        case 3:
            return [-1, 0, 0, -1, width, height];
        case 4:
            return [1, 0, 0, -1, 0, height];
        case 5:
            return [0, 1, 1, 0, 0, 0];
        case 6:
            return [0, 1, -1, 0, height, 0];
        case 7:
            return [0, -1, -1, 0, height, width];
        case 8:
            return [0, -1, 1, 0, 0, width];
        default:
            return [1, 0, 0, 1, 0, 0];
    }
}
