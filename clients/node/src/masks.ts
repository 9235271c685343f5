/** Masks in COCO's run-length encoding, byte-identical to pycocotools, as pixels and back. */

/** Most pixels of a mask that is decoded; a size in a message costs nothing to write. */
const MAX_PIXELS = 2 ** 31;
/** Characters of the longest number that is read; what is longer does not fit any picture. */
const MAX_CHARACTERS = 10;

/** A rectangle in pixels of the stored picture. */
export interface Box {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
}

/** A mask as COCO's compressed run lengths: column by column, the first run of zeros. */
export class RleMask {
    constructor(
        readonly height: number,
        readonly width: number,
        readonly counts: string,
    ) {}

    /** Lengths of the runs, the first of zeros. RangeError where they do not fill the picture exactly, or are none. */
    runs(): number[] {
        const total = this.height * this.width;
        if (total > MAX_PIXELS) {
            throw new RangeError(`a mask of ${this.width}x${this.height} pixels is too large to decode`);
        }
        const runs: number[] = [];
        let left = total;
        for (const number of numbers(this.counts)) {
            const length = runs.length > 2 ? number + (runs.at(-2) ?? 0) : number;
            if (length < 0 || length > left) {
                throw new RangeError(`run ${runs.length} of the mask has ${length} pixels, ${left} are left of ${this.width}x${this.height}`);
            }
            left -= length;
            runs.push(length);
        }
        if (left > 0) {
            throw new RangeError(`the runs of the mask end after ${total - left} of ${this.width}x${this.height} pixels`);
        }
        return runs;
    }

    /** Row by row, a byte a pixel, 1 where forged. RangeError as in `runs`. */
    bitmap(): Uint8Array {
        const runs = this.runs();
        const pixels = new Uint8Array(this.height * this.width);
        let position = 0;
        runs.forEach((length, run) => {
            if (run % 2 === 1) {
                for (let i = position; i < position + length; i++) {
                    pixels[(i % this.height) * this.width + Math.floor(i / this.height)] = 1;
                }
            }
            position += length;
        });
        return pixels;
    }

    /** Forged pixels. */
    get area(): number {
        return this.runs().reduce((sum, length, run) => sum + (run % 2) * length, 0);
    }

    /** The smallest box around the forged pixels; all 0 where there are none. */
    get box(): Box {
        let [left, top, right, bottom] = [this.width, this.height, -1, -1];
        let position = 0;
        this.runs().forEach((length, run) => {
            if (run % 2 === 1 && length > 0) {
                const last = position + length - 1;
                const [first, end] = [Math.floor(position / this.height), Math.floor(last / this.height)];
                left = Math.min(left, first);
                right = Math.max(right, end);
                // A run that goes on into the next column touches both the bottom and the top.
                top = first === end ? Math.min(top, position % this.height) : 0;
                bottom = first === end ? Math.max(bottom, last % this.height) : this.height - 1;
            }
            position += length;
        });
        return right < 0 ? { x: 0, y: 0, width: 0, height: 0 } : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
    }

    /** From pixels row by row, forged where not 0. */
    static encode(bitmap: ArrayLike<number>, height: number, width: number): RleMask {
        if (bitmap.length !== height * width) {
            throw new RangeError(`${bitmap.length} pixels are no mask of ${width}x${height}`);
        }
        const runs: number[] = [];
        let [forged, length] = [false, 0];
        for (let column = 0; column < width; column++) {
            for (let row = 0; row < height; row++) {
                const pixel = bitmap[row * width + column] !== 0;
                if (pixel !== forged) {
                    runs.push(length);
                    [forged, length] = [pixel, 0];
                }
                length++;
            }
        }
        runs.push(length);
        return new RleMask(height, width, runs.map((run, i) => characters(i > 2 ? run - (runs[i - 2] ?? 0) : run)).join(''));
    }
}

function numbers(counts: string): number[] {
    const found: number[] = [];
    let [value, digits] = [0, 0];
    for (const character of counts) {
        const bits = (character.codePointAt(0) ?? 0) - 48;
        if (bits < 0 || bits > 63) {
            throw new RangeError(`${JSON.stringify(character)} is not a character of run lengths`);
        }
        // Not with shifts: these are of 32 bits.
        value += (bits & 0x1f) * 32 ** digits++;
        if (bits & 0x20) {
            if (digits === MAX_CHARACTERS) {
                throw new RangeError('a run length does not fit 50 bits');
            }
            continue;
        }
        found.push(bits & 0x10 ? value - 32 ** digits : value);
        [value, digits] = [0, 0];
    }
    if (digits > 0) {
        throw new RangeError('the run lengths stop in the middle of a number');
    }
    return found;
}

function characters(run: number): string {
    let text = '';
    for (let number = run; ;) {
        const bits = ((number % 32) + 32) % 32;
        number = Math.floor(number / 32);
        // Done where the sign is told by the last five bits.
        const more = number !== (bits & 0x10 ? -1 : 0);
        text += String.fromCharCode((more ? bits | 0x20 : bits) + 48);
        if (!more) {
            return text;
        }
    }
}
