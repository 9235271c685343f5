// The decoder is the Node client's: one that passes the conformance table is enough.
import { RleMask } from '../../node/src/masks';

/** A mask at the size it is shown at: 1 where a pixel is marked. */
export interface ShownMask {
    readonly width: number;
    readonly height: number;
    readonly pixels: Uint8Array;
}

/** Scales a mask down so that no side is longer than asked; a shown pixel is marked where the pixel at its middle is. */
export function shown(size: readonly number[], counts: string, longest: number): ShownMask {
    const [height = 0, width = 0] = size;
    const whole = new RleMask(height, width, counts).bitmap();
    const scale = Math.min(1, longest / Math.max(height, width, 1));
    const [rows, columns] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
    if (scale === 1) {
        return { width, height, pixels: whole };
    }
    const pixels = new Uint8Array(rows * columns);
    for (let y = 0; y < rows; y++) {
        const row = Math.floor(((y + 0.5) * height) / rows) * width;
        for (let x = 0; x < columns; x++) {
            pixels[y * columns + x] = whole[row + Math.floor(((x + 0.5) * width) / columns)] ?? 0;
        }
    }
    return { width: columns, height: rows, pixels };
}

type Colour = readonly [number, number, number];

/** Each is far from the others, so one of them is far from any picture. */
const COLOURS: readonly Colour[] = [
    [255, 43, 214],
    [0, 229, 255],
    [255, 230, 0],
    [57, 255, 20],
    [255, 98, 0],
];

/** The colour that is farthest from what lies under and around a mask. */
export function colourAgainst(picture: ImageData, mask: ShownMask): Colour {
    const sums = COLOURS.map(() => 0);
    let count = 0;
    for (let i = 0; i < mask.pixels.length; i += 7) {
        if (!mask.pixels[i]) {
            continue;
        }
        count++;
        const [red = 0, green = 0, blue = 0] = picture.data.subarray(4 * i, 4 * i + 3);
        COLOURS.forEach((colour, which) => {
            sums[which] = (sums[which] ?? 0) + Math.hypot(colour[0] - red, colour[1] - green, colour[2] - blue);
        });
    }
    return COLOURS[count === 0 ? 0 : sums.indexOf(Math.max(...sums))] ?? [255, 43, 214];
}

/** The mask as a layer over the picture: its edge, and its inside as a tint where asked. */
export function layer(mask: ShownMask, colour: Colour, tint: boolean): ImageData {
    const { width, height, pixels } = mask;
    const made = new ImageData(width, height);
    const thick = Math.max(1, Math.round(Math.max(width, height) / 320));
    const at = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            const inside = at(x, y);
            // What lies outside the edge is dark, so that the line stands out on its own colour, too.
            const edge = inside !== at(x - thick, y) || inside !== at(x + thick, y) || inside !== at(x, y - thick) || inside !== at(x, y + thick);
            if (edge) {
                made.data.set(inside ? [...colour, 255] : [0, 0, 0, 150], 4 * (y * width + x));
            } else if (inside && tint) {
                made.data.set([...colour, 110], 4 * (y * width + x));
            }
        }
    }
    return made;
}

/** Warm where much counts as manipulated, clear where little. */
export function warm(soft: ImageData): ImageData {
    const made = new ImageData(soft.width, soft.height);
    for (let i = 0; i < soft.data.length; i += 4) {
        const value = (soft.data[i] ?? 0) / 255;
        made.data.set([255 * Math.min(1, 2 * value), 255 * Math.max(0, 2 * value - 1), 255 * Math.max(0, 0.6 - value), 200 * Math.sqrt(value)], i);
    }
    return made;
}
