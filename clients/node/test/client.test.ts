/** Against a real server, whose address is in LOUPE_ADDRESS. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import {
    Economy,
    ExplanationCode,
    fromImageData,
    fromSharp,
    LoupeClient,
    MaskPolicy,
    PixelFormat,
    RequestError,
    TilePolicy,
    Verdict,
    UnavailableError,
    type Outcome,
} from 'loupe-grpc';

const address = process.env['LOUPE_ADDRESS'] ?? 'http://127.0.0.1:5005';
const root = process.env['LOUPE_ROOT'] ?? '../..';
const coffee = join(root, 'samples/authentic-coffee.jpg');

test('many sessions share a client, and none takes more than it may', async () => {
    using client = new LoupeClient({ address });
    const run = async () => {
        const ids: bigint[] = [];
        for await (const outcome of client.analyze(Array<string>(15).fill(coffee), { maxFramesInFlight: 3, masks: { policy: MaskPolicy.NEVER } })) {
            ids.push(outcome.frameId);
        }
        return ids;
    };
    const expected = Array.from({ length: 15 }, (_, i) => BigInt(i));
    assert.deepEqual(await Promise.all([run(), run(), run()]), [expected, expected, expected]);
});

test('who gives up waiting for room has no outcome', async () => {
    using client = await LoupeClient.connect({ address });
    await using session = await client.openSession({ maxFramesInFlight: 2 });
    await session.send(coffee);
    await session.send(coffee);
    await assert.rejects(session.send(coffee, { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
    const outcomes: Outcome[] = [];
    const reading = (async () => {
        for await (const outcome of session) {
            outcomes.push(outcome);
        }
    })();
    assert.equal(await session.send(coffee), 2);
    const summary = await session.complete();
    await reading;
    assert.equal(summary.frames, 3n);
    assert.deepEqual(
        outcomes.map((outcome) => outcome.index),
        [0, 1, 2],
    );
});

test('a session that is left answers its frames as canceled, and a file that is not there is no frame', async () => {
    using client = new LoupeClient({ address });
    const session = await client.openSession();
    await assert.rejects(session.send('no/such/file.jpg'), { code: 'ENOENT' });
    await session.send(coffee);
    await session.close();
    const outcomes: Outcome[] = [];
    for await (const outcome of session) {
        outcomes.push(outcome);
    }
    assert.equal(outcomes.length, 1);
    assert.ok(outcomes[0]?.outcome === 'result' || (outcomes[0]?.outcome === 'failed' && outcomes[0].code === 'CANCELED'));
    await assert.rejects(session.send(coffee), /the session was closed|being completed/);
});

test('a session that loses frames goes without what it allows', async () => {
    using client = new LoupeClient({ address });
    await using session = await client.openSession({ economies: [Economy.NO_MASK], masks: { policy: MaskPolicy.ALWAYS } });
    const outcomes = session[Symbol.asyncIterator]();
    await session.send(coffee, { deadlineMs: 1e-6 });
    assert.equal((await outcomes.next()).value?.outcome, 'expired');
    await session.send(coffee);
    const found = (await outcomes.next()).value;
    assert.ok(found?.outcome === 'result');
    assert.equal(found.analysis.mask, undefined);
    assert.deepEqual(found.analysis.economies, [Economy.NO_MASK]);
});

test('a source that fails is heard of after the outcomes', async () => {
    using client = new LoupeClient({ address });
    const outcomes: Outcome[] = [];
    function* source() {
        yield coffee;
        yield coffee;
        throw new Error('the camera is gone');
    }
    await assert.rejects(async () => {
        for await (const outcome of client.analyze(source())) {
            outcomes.push(outcome);
        }
    }, /the camera is gone/);
    assert.equal(outcomes.length, 2);
});

test('results are explained in the language that is asked for', async () => {
    using client = new LoupeClient({ address });
    assert.deepEqual((await client.analyzeImage(coffee)).explanation, []);
    const [first] = (await client.analyzeImage(coffee, { explain: 'en' })).explanation;
    assert.ok(first?.code === ExplanationCode.SCORE_AUTHENTIC && first.text.startsWith('The score of 0.'));
    assert.equal(first.numbers['low'], 0.4);
    await assert.rejects(client.analyzeImage(coffee, { explain: 'fr' }), /en or zh/);
    await using session = await client.openSession({ explain: 'zh' });
    await session.send(coffee);
    for await (const outcome of session.results()) {
        assert.ok(outcome.outcome === 'result' && outcome.analysis.explanation[0]?.text.startsWith('分数为 0.'));
        break;
    }
});

test('results are signed where that is asked for', async () => {
    interface Statement {
        readonly predicate: { readonly chain: { readonly previous?: string }; readonly result?: { readonly verdict: string } };
    }
    const payload = (receipt: Uint8Array) => Buffer.from((JSON.parse(Buffer.from(receipt).toString()) as { payload: string }).payload, 'base64');
    const statement = (signed: Buffer) => JSON.parse(signed.toString()) as Statement;
    using client = new LoupeClient({ address });
    assert.equal((await client.analyzeImage(coffee)).receipt.length, 0);
    const alone = statement(payload((await client.analyzeImage(coffee, { receipt: true })).receipt));
    assert.equal(alone.predicate.result?.verdict, 'AUTHENTIC');
    await using session = await client.openSession({ receipts: true });
    await session.send(coffee);
    for await (const outcome of session.results()) {
        assert.ok(outcome.outcome === 'result');
        const signed = payload(outcome.analysis.receipt);
        assert.deepEqual(statement(signed).predicate.result, alone.predicate.result);
        const end = statement(payload((await session.complete()).receipt));
        assert.equal(end.predicate.chain.previous, createHash('sha256').update(signed).digest('hex'));
        break;
    }
});

test('what a file says of where it comes from is there', async () => {
    using client = new LoupeClient({ address });
    const { provenance } = await client.analyzeImage(join(root, 'tests/data/provenance/es256.jpg'));
    const credentials = provenance?.contentCredentials;
    assert.equal(credentials?.claimGenerator, 'loupe-grpc tests 1.0');
    assert.deepEqual(credentials.digitalSourceTypes, ['trainedAlgorithmicMedia']);
    const checks = [credentials.binding, credentials.assertions, credentials.signature, credentials.chain];
    assert.deepEqual(
        checks.map((check) => check?.result),
        [1, 1, 1, 1],
    );
    assert.equal((await client.analyzeImage(join(root, 'samples/forged-cat-inpainted.png'))).provenance, undefined);
});

test('frames are judged over time where that is asked for', async () => {
    using client = new LoupeClient({ address });
    await using session = await client.openSession({ overTime: { windowMs: 2000, maxFrames: 8, minFrames: 2 } });
    assert.deepEqual([session.grant.temporal?.enabled, session.grant.temporal?.maxFrames, session.grant.temporal?.window?.seconds], [true, 8, 2n]);
    const found: unknown[] = [];
    await session.send(coffee);
    await session.send(coffee);
    for await (const outcome of session.results()) {
        assert.ok(outcome.outcome === 'result' && outcome.analysis.overTime);
        found.push([outcome.analysis.overTime.verdict, outcome.analysis.overTime.frames, outcome.analysis.overTime.scene]);
        if (found.length === 2) {
            break;
        }
    }
    assert.deepEqual(found, [
        [Verdict.UNCERTAIN, 1, 0n],
        [Verdict.AUTHENTIC, 2, 0n],
    ]);
    const summary = await session.complete();
    assert.deepEqual([summary.scenes, summary.segments.length], [1n, 0]);
    await using plain = await client.openSession({});
    await plain.send(coffee);
    for await (const outcome of plain.results()) {
        assert.ok(outcome.outcome === 'result' && outcome.analysis.overTime === undefined);
        break;
    }
});

test('pictures are looked at in tiles where that is asked for', async () => {
    using client = new LoupeClient({ address });
    const { tiles, score } = await client.analyzeImage(coffee, { tiles: { policy: TilePolicy.NATIVE } });
    assert.equal((await client.analyzeImage(coffee)).tiles, undefined);
    assert.ok(tiles?.peak && score < tiles.peak.score);
    assert.deepEqual([tiles.analysed, tiles.total, tiles.step, tiles.wholePictureRun, tiles.peak.box?.width], [4, 4, 160, false, 224]);
    await using session = await client.openSession({ tiles: { policy: TilePolicy.NATIVE, maxTiles: 2 } });
    await session.send(coffee);
    for await (const outcome of session) {
        assert.ok(outcome.outcome === 'result' && outcome.analysis.tiles);
        assert.deepEqual([outcome.analysis.tiles.analysed, outcome.analysis.tiles.wholePictureRun], [2, true]);
        break;
    }
});

test('each frame of a session may show some tiles', async () => {
    using client = new LoupeClient({ address });
    await using session = await client.openSession({ tiles: { policy: TilePolicy.NATIVE, perFrame: 3, window: 2 } });
    for (const frames of [1, 2, 2]) {
        await session.send(coffee);
        for await (const outcome of session.results()) {
            assert.ok(outcome.outcome === 'result');
            const window = outcome.analysis.tiles?.window;
            assert.deepEqual([window?.frames, window?.size, window?.fresh], [frames, 2, 2]);
            break;
        }
    }
});

test('refusals keep their codes', async () => {
    using client = new LoupeClient({ address });
    await assert.rejects(client.analyzeImage(Buffer.from('not a picture')), (error) => error instanceof RequestError && error.code === 'INVALID');
    await assert.rejects(
        client.openSession({ thresholds: { low: 0.9, high: 0.1 } }),
        (error) => error instanceof RequestError && error.code === 'INVALID',
    );
});

test('a model is asked for by its name', async () => {
    using client = new LoupeClient({ address });
    assert.deepEqual(
        (await client.serverInfo()).models.map((model) => model.name),
        ['default'],
    );
    assert.equal((await client.analyzeImage(coffee, { model: 'default' })).score, (await client.analyzeImage(coffee)).score);
    await using session = await client.openSession({ model: 'default' });
    assert.equal(session.grant.model?.name, 'loupe-nano');
    const isRefused = (error: unknown) => error instanceof RequestError && error.code === 'INVALID' && error.message.includes('expected default');
    await assert.rejects(client.analyzeImage(coffee, { model: 'huge' }), isRefused);
    await assert.rejects(client.openSession({ model: 'huge' }), isRefused);
});

test('nobody there, and what speaks something else, is told', async () => {
    using nobody = new LoupeClient({ address: 'http://127.0.0.1:9', connectTimeoutMs: 300, unaryRetries: 0 });
    await assert.rejects(nobody.serverInfo(), UnavailableError);
    await assert.rejects(nobody.openSession(), /is it running/);
    const other = createServer((socket) => socket.end('SSH-2.0-something\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const place = other.address();
    using stranger = new LoupeClient({
        address: `http://127.0.0.1:${typeof place === 'object' && place ? place.port : 0}`,
        connectTimeoutMs: 300,
        unaryRetries: 0,
    });
    await assert.rejects(stranger.serverInfo(), UnavailableError);
    other.close();
});

test('options that make no sense are refused', () => {
    for (const options of [{ address: '127.0.0.1:5005' }, { address: 'ftp://host' }, { ca: Buffer.from('x') }, { maxResponseBytes: 1 }]) {
        assert.throws(() => new LoupeClient(options), RangeError);
    }
});

test('pixels of sharp and of a canvas become frames', () => {
    const rgb = fromSharp({ data: Uint8Array.of(1, 2, 3), info: { width: 1, height: 1, channels: 3 } });
    assert.deepEqual([rgb.format?.pixelFormat, [...rgb.pixels]], [PixelFormat.RGB24, [1, 2, 3]]);
    const canvas = fromImageData({ data: Uint8ClampedArray.of(1, 2, 3, 4), width: 1, height: 1 });
    assert.deepEqual([canvas.format?.pixelFormat, [...canvas.pixels]], [PixelFormat.BGRA32, [3, 2, 1, 4]]);
    assert.throws(() => fromSharp({ data: new Uint8Array(2), info: { width: 1, height: 1, channels: 2 } }), RangeError);
});

test('it can be required too', () => {
    const required = createRequire(import.meta.url)('loupe-grpc') as typeof import('loupe-grpc');
    assert.equal(required.RleMask.encode([0, 1], 1, 2).counts, '11');
});

test('the README runs', async () => {
    const readme = readFileSync(process.env['LOUPE_README'] ?? 'README.md', 'utf8');
    const program = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]).join('\n');
    const folder = mkdtempSync(join(tmpdir(), 'loupe-readme-'));
    copyFileSync(join(root, 'samples/forged-cat-in-coffee.jpg'), join(folder, 'holiday.jpg'));
    mkdirSync(join(folder, 'photos'));
    copyFileSync(coffee, join(folder, 'photos/a.jpg'));
    writeFileSync(join(folder, 'photos/b.jpg'), 'broken');
    // Beside this file, where the package is found.
    const file = new URL(`readme-${process.pid}.mjs`, import.meta.url);
    writeFileSync(file, program.replaceAll('http://127.0.0.1:5005', address));
    const lines: string[] = [];
    const { log } = console;
    const before = process.cwd();
    console.log = (...values: unknown[]) => lines.push(values.map(String).join(' '));
    process.chdir(folder);
    try {
        await import(pathToFileURL(file.pathname).href);
    } finally {
        console.log = log;
        process.chdir(before);
    }
    assert.match(lines[0] ?? '', /^MANIPULATED 0\./);
    assert.ok(lines[1]?.startsWith(`${320 * 240} `));
    assert.ok(lines.includes('4 results') && lines.includes('goes on at step 1'));
    assert.ok(lines.some((line) => line.startsWith('1: INVALID')));
});
