import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RleMask } from 'loupe-grpc';

const root = process.env['LOUPE_ROOT'] ?? '../..';
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Case[];

interface Case {
    name: string;
    height: number;
    width: number;
    counts: string;
    area: number;
    bbox: number[];
    bits: string;
}

/** The most significant bit first, row by row. */
function unpack({ bits, height, width }: Case): Uint8Array {
    const packed = Buffer.from(bits, 'base64');
    return Uint8Array.from({ length: height * width }, (_, i) => ((packed[i >> 3] ?? 0) >> (7 - (i % 8))) & 1);
}

test('decodes and encodes as pycocotools', () => {
    const cases = read('tests/data/rle/cases.json');
    assert.ok(cases.length > 0);
    for (const golden of cases) {
        const mask = new RleMask(golden.height, golden.width, golden.counts);
        const pixels = unpack(golden);
        assert.deepEqual(mask.bitmap(), pixels, golden.name);
        assert.equal(mask.area, golden.area, golden.name);
        assert.deepEqual([mask.box.x, mask.box.y, mask.box.width, mask.box.height], golden.bbox, golden.name);
        assert.equal(RleMask.encode(pixels, golden.height, golden.width).counts, golden.counts, golden.name);
    }
});

test('refuses what is no mask', () => {
    const cases = read('clients/scenario/refused-masks.json');
    assert.ok(cases.length > 0);
    for (const refused of cases) {
        const mask = new RleMask(refused.height, refused.width, refused.counts);
        assert.throws(() => mask.bitmap(), RangeError, refused.name);
        assert.throws(() => mask.area, RangeError, refused.name);
    }
});
