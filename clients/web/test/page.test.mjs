import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, startServer } from './servers.mjs';

const root = new URL('../../../', import.meta.url).pathname;
const pictures = join(root, 'docs/page');
const work = mkdtempSync(join(tmpdir(), 'loupe-page-'));
/** Of the pixels of a screenshot, how many may differ from the one that is kept: fonts and codecs of another version draw some otherwise. */
const TOLERANCE = 0.03;

let browser;
let server;

before(async () => {
    server = await startServer(await freePort());
    browser = await chromium.launch({
        executablePath: process.env.LOUPE_CHROMIUM ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--hide-scrollbars'],
    });
});

after(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(work, { recursive: true, force: true });
});

/** A page of its own. Whatever the browser complains of, Content-Security-Policy among it, fails the test. */
async function visit(use, { url = server.url, expectFaults = false, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en', colorScheme: 'light', ...options });
    const page = await context.newPage();
    const faults = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.setDefaultTimeout(60_000);
    try {
        await page.goto(url);
        await use(page);
        assert.deepEqual(expectFaults ? [] : faults, []);
    } finally {
        await context.close();
    }
}

const sample = (page, name) => page.getByRole('button', { name });
const verdictOf = (page) => page.locator('.card .verdict').first();

/** Pixels of a canvas that show something. */
const painted = (canvas) =>
    canvas.evaluate((node) => {
        const { data } = node.getContext('2d').getImageData(0, 0, node.width, node.height);
        let count = 0;
        for (let i = 3; i < data.length; i += 4) {
            count += data[i] > 0 ? 1 : 0;
        }
        return count;
    });

async function playClip(page) {
    await page.locator('#tab-stream').click();
    await page.getByRole('button', { name: 'Sample clip' }).click();
}

/** Compares with the picture that is kept; with LOUPE_UPDATE_DOCUMENTS set it is taken anew. */
async function compare(page, name, target) {
    const shot = await target.screenshot({ animations: 'disabled' });
    const file = join(pictures, `${name}.png`);
    if (process.env.LOUPE_UPDATE_DOCUMENTS) {
        writeFileSync(file, shot);
        return;
    }
    const differing = await page.evaluate(
        async ([one, other]) => {
            const pixels = async (base64) => {
                const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
                const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
                const context = new OffscreenCanvas(1280, 720).getContext('2d');
                context.drawImage(bitmap, 0, 0, 1280, 720);
                return context.getImageData(0, 0, 1280, 720).data;
            };
            const [a, b] = [await pixels(one), await pixels(other)];
            let count = 0;
            for (let i = 0; i < a.length; i += 4) {
                count += Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]) > 96 ? 1 : 0;
            }
            return count / (a.length / 4);
        },
        [shot.toString('base64'), readFileSync(file).toString('base64')],
    );
    assert.ok(differing <= TOLERANCE, `${name}.png: ${(100 * differing).toFixed(1)} % of the pixels differ`);
}

async function assertAccessible(page) {
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`),
        [],
    );
}

test('a sample is analysed, and everything that was found is shown', () =>
    visit(async (page) => {
        await page.getByText('This server runs a demonstration model').waitFor();
        await page.getByText('loupe-nano on CPU (fp32)').waitFor();
        await sample(page, 'forged-cat-in-coffee.jpg').click();
        await verdictOf(page).waitFor();
        assert.match(await verdictOf(page).innerText(), /^Manipulated\s*0\.8\d\d$/);
        await page.locator('.score').getByText('reaches the threshold of 0.6: the model takes the picture to be manipulated.').waitFor();
        await page
            .locator('.score')
            .getByText(/^The mask covers \d+% of the picture/)
            .waitFor();
        assert.equal(
            await page.locator('.gauge').getAttribute('aria-label'),
            `Score ${await page.locator('.verdict .number').innerText()}, thresholds 0.4 and 0.6`,
        );
        assert.equal(await page.locator('.facts ul').first().locator('li').count(), 2);

        // The outline, then the mask, is drawn over the picture, in a colour of its own.
        const [under, over] = [page.locator('.stack canvas').first(), page.locator('.stack canvas').nth(1)];
        const outline = await painted(over);
        assert.ok(outline > 500 && outline < (await painted(under)) / 10);
        await page.locator('.card').getByRole('radio', { name: 'Mask' }).check();
        await page.waitForFunction((before) => {
            const canvas = document.querySelectorAll('.stack canvas')[1];
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.filter((value, i) => i % 4 === 3 && value > 0).length > before * 3;
        }, outline);
        await page.locator('.card').getByRole('radio', { name: 'Heat map' }).check();
        await page.waitForFunction((before) => {
            const canvas = document.querySelectorAll('.stack canvas')[1];
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.filter((value, i) => i % 4 === 3 && value > 0).length > before * 6;
        }, outline);
        await page.locator('.card').getByRole('radio', { name: 'Picture' }).check();
        assert.equal(await painted(over), 0);

        // The slider, by the keyboard.
        const slider = page.locator('.card').getByLabel('How much of the picture shows what was found');
        await slider.focus();
        await slider.press('Home');
        assert.match(await over.evaluate((node) => node.style.clipPath), /100%/);

        // The raw answer is the one that others get.
        const download = page.waitForEvent('download');
        await page.getByText('JSON', { exact: true }).click();
        await page.getByRole('link', { name: 'Download' }).click();
        const saved = JSON.parse(readFileSync(await (await download).path(), 'utf8'));
        const curl = JSON.parse(
            execFileSync('curl', [
                '-s',
                '--data-binary',
                `@${root}samples/forged-cat-in-coffee.jpg`,
                '-H',
                'content-type: image/jpeg',
                `${server.url}v1/analyze?explain=en`,
            ]),
        );
        assert.deepEqual({ ...saved, timings_ms: 0 }, { ...curl, timings_ms: 0 });
        await page.getByText('Details').click();
        await page.getByText(saved.sha256, { exact: true }).waitFor();

        await sample(page, 'authentic-coffee.jpg').click();
        await page.locator('.score').getByText('no manipulation was found, which does not prove that there is none.').waitFor();
        assert.equal(await page.locator('.card').count(), 2);
        await page.getByRole('button', { name: 'Remove: authentic-coffee.jpg' }).click();
        assert.equal(await page.locator('.card').count(), 1);
    }));

test('files are told by their first bytes, in natural order, and what is wrong is said', () =>
    visit(
        async (page) => {
            const damaged = join(work, 'damaged.jpg');
            writeFileSync(damaged, readFileSync(join(root, 'samples/forged-cat-in-coffee.jpg')).fill(0, 15000, 15200));
            const nothing = join(work, 'nothing.png');
            writeFileSync(nothing, Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1'));
            const named = join(work, '10.dat');
            writeFileSync(named, readFileSync(join(root, 'samples/authentic-rocket.png')));
            const second = join(work, '2.png');
            writeFileSync(second, readFileSync(join(root, 'samples/authentic-rocket.png')));
            await page.getByLabel('Choose pictures').setInputFiles([named, second, damaged, nothing, join(root, 'README.md')]);
            await page.getByText('1 files were passed over').waitFor();
            await page.waitForFunction(() => document.querySelectorAll('.card .verdict').length === 4);
            assert.deepEqual(await page.locator('.card h3').allInnerTexts(), ['nothing.png', 'damaged.jpg', '10.dat', '2.png']);
            assert.equal(await page.locator('.card').nth(0).locator('.verdict').innerText(), 'Not analysed');
            assert.match(await page.locator('.card').nth(1).locator('.verdict').innerText(), /^Uncertain/);
            await page.locator('.score').getByText("what stands in their place is the decoder's guess.").waitFor();
            await page
                .locator('.card')
                .nth(1)
                .getByText(/^DAMAGED: /)
                .waitFor();
        },
        { expectFaults: true },
    ));

test('a picture is dropped, and one is pasted', () =>
    visit(async (page) => {
        const bytes = readFileSync(join(root, 'samples/authentic-coffee.jpg')).toString('base64');
        for (const kind of ['drop', 'paste']) {
            await page.evaluate(
                ([base64, name]) => {
                    const data = new DataTransfer();
                    data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], `${name}.jpg`));
                    window.dispatchEvent(
                        name === 'drop' ? new DragEvent('drop', { dataTransfer: data }) : new ClipboardEvent('paste', { clipboardData: data }),
                    );
                },
                [bytes, kind],
            );
            await page.getByRole('heading', { name: `${kind}.jpg` }).waitFor();
        }
        await page.waitForFunction(() => document.querySelectorAll('.card .verdict').length === 2);
    }));

test('a picture that is stored turned is shown upright, with its mask', () =>
    visit(async (page) => {
        // Orientation 6, before the rest of the file.
        const jpeg = readFileSync(join(root, 'samples/forged-cat-in-coffee.jpg'));
        const exif = Buffer.from('ffe10022457869660000' + '4d4d002a00000008' + '0001' + '0112000300000001' + '00060000' + '00000000', 'hex');
        const turned = join(work, 'turned.jpg');
        writeFileSync(turned, Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]));
        await page.getByLabel('Choose pictures').setInputFiles(turned);
        await verdictOf(page).waitFor();
        const [under, over] = [page.locator('.stack canvas').first(), page.locator('.stack canvas').nth(1)];
        assert.deepEqual(await under.evaluate((node) => [node.width, node.height]), [240, 320]);
        assert.deepEqual(await over.evaluate((node) => [node.width, node.height]), [240, 320]);
        assert.ok((await painted(over)) > 500);
    }));

test('a large picture is looked at in tiles, and the page says so', () =>
    visit(async (page) => {
        await page.getByLabel('Choose pictures').setInputFiles(join(root, 'tests/data/tiles/strip-900x112.png'));
        await page.locator('.score').getByText('The picture was looked at in 6 tiles of 224 x 224 pixels, at full resolution.').waitFor();
        await page
            .locator('.score')
            .getByText(/^The tile with the highest score, 0\.99\d, lies in the centre\.$/)
            .waitFor();
    }));

test('a clip adapts, beside the model as it was, and the timeline goes to each frame', () =>
    visit(async (page) => {
        await page.locator('#tab-stream').click();
        await page.getByLabel('Compare with the model as it was').check();
        assert.ok(await page.getByLabel('Adapt to this stream').isChecked());
        await page.getByRole('button', { name: 'Sample clip' }).click();
        await page.locator('.adaptation', { hasText: /Step [1-9]/ }).waitFor();
        await page.getByRole('button', { name: 'Freeze' }).click();
        await page.locator('.adaptation', { hasText: 'frozen' }).waitFor();
        await page.getByRole('button', { name: 'Go on adapting' }).click();
        await page.locator('.adaptation:not(:text("frozen"))').waitFor();
        await page.getByRole('button', { name: 'Forget' }).click();
        await page.locator('.summary').waitFor();
        const [, manipulated, frames] = /^(\d+) of (\d+) frames are manipulated/.exec(await page.locator('.summary').innerText());
        assert.ok(Number(frames) > 40 && Number(manipulated) > 10 && Number(manipulated) <= 24, `${manipulated} of ${frames}`);
        assert.match(
            await page.locator('.session li').first().innerText(),
            /^Manipulated over time from 2\.\d\d s to 3\.\d\d s: \d+ of \d+ frames, at most 0\.9/,
        );
        assert.match(await page.locator('.numbers').innerText(), new RegExp(`^${frames} frames: ${frames} analysed, 0 without a result`));

        const timeline = page.getByRole('slider', { name: 'Timeline' });
        await timeline.focus();
        await timeline.press('Home');
        // Drawn, and told, with the browser's next picture.
        await page.locator('[role=slider][aria-valuetext^="Frame 0, 0.00 s"]').waitFor();
        await page.locator('.facts').getByText('Frame 0', { exact: true }).waitFor();
        await timeline.press('ArrowRight');
        await page.locator('.facts').getByText('Frame 1', { exact: true }).waitFor();
        await timeline.click({ position: { x: (await timeline.boundingBox()).width / 2, y: 50 } });
        await page.locator('#stream .verdict.manipulated').waitFor();
        for (const canvas of await page.locator('#stream .stack canvas:nth-child(2)').all()) {
            assert.ok((await painted(canvas)) > 200);
        }
        // Of the frames a busy browser skips some: the first of the segment is there more often than the one in the middle.
        await page.locator('.found-over button').first().click();
        const shown = /^Frame \d+(?=, 2\.\d\d s)/;
        await page.waitForFunction(() => /^Frame \d+, 2\./.test(document.querySelector('[role=slider]').getAttribute('aria-valuetext')));
        const [frame] = shown.exec(await timeline.getAttribute('aria-valuetext'));
        await page.locator('.facts').getByText(frame, { exact: true }).waitFor();
        // How many sentences there are depends on how many steps were taken by then.
        await page
            .locator('#stream .facts')
            .evaluate((facts) => facts.querySelectorAll('.score p:nth-of-type(n + 4)').forEach((node) => (node.hidden = true)));
        await compare(page, 'stream', page.locator('.session'));
    }));

test('a clip is judged over time, and its segment leads to the frame with the highest score', () =>
    visit(async (page) => {
        await page.locator('#tab-stream').click();
        assert.ok(await page.getByLabel('Verdict over time').isChecked());
        await page.getByRole('button', { name: 'Sample clip' }).click();
        // While it runs, as far as it goes; at its end as the server has it.
        const mark = page.getByRole('button', {
            name: /^1: 2\.\d\d s to \d\.\d\d s, manipulated over time: go to the frame with the highest score$/,
        });
        await mark.waitFor();
        await page.locator('.summary').waitFor();
        await page.getByText(/^Manipulated segments over time: 1\. Scenes: [1-9]\.$/).waitFor();
        const [, from, to, manipulated, frames, peak] =
            /^Manipulated over time from (2\.\d\d) s to (3\.\d\d) s: (\d+) of (\d+) frames, at most (0\.9\d\d)/.exec(
                await page.locator('.found-over li').innerText(),
            );
        assert.ok(Number(manipulated) >= 3 && Number(manipulated) <= Number(frames), `${manipulated} of ${frames}`);
        assert.equal(await mark.innerText(), `1: ${from} s to ${to} s`);

        // By the keyboard: the segment stands before the slider.
        const timeline = page.getByRole('slider', { name: 'Timeline' });
        await timeline.focus();
        await timeline.press('Home');
        await page.locator('.facts').getByText('Frame 0', { exact: true }).waitFor();
        assert.match(await page.locator('.overtime').innerText(), /^Over time: Uncertain 0\.\d\d\d, by the last 1 frames$/);
        await page.keyboard.press('Shift+Tab');
        assert.ok(await mark.evaluate((node) => node === document.activeElement));
        await page.keyboard.press('Enter');
        await page.locator('#stream .verdict.manipulated .number', { hasText: peak }).waitFor();
        assert.match(await page.locator('.overtime').innerText(), /^Over time: \w+ 0\.\d\d\d, by the last \d+ frames(, since frame \d+)?$/);
        // In words, of the frame that is shown.
        await page.locator('.facts .score').getByText('reaches the threshold of 0.6: the model takes the picture to be manipulated.').waitFor();
        await timeline.focus();
        await timeline.press('Home');
        await page.locator('.facts .score').getByText('no manipulation was found, which does not prove that there is none.').waitFor();

        // What the server says to look at leads there too.
        const [, seconds, score] = /^(\d\.\d\d) s: (0\.\d\d\d)$/.exec(await page.locator('.found-over button').last().innerText());
        await page.locator('.found-over button').last().click();
        await page.locator('#stream .verdict .number', { hasText: score }).waitFor();
        await page.locator(`[role=slider][aria-valuetext*="${seconds} s, Score ${score}, Over time: "]`).waitFor();
        await assertAccessible(page);

        // Nobody wants it: frames are judged one by one.
        await page.getByLabel('Verdict over time').uncheck();
        await page.getByRole('button', { name: 'Sample clip' }).click();
        await page.locator('.state[data-state=running]').waitFor();
        await page.locator('.summary').waitFor();
        assert.match(await page.locator('.session li').first().innerText(), /^Manipulated from 2\.\d\d s to 3\.\d\d s, at most 0\.9/);
        assert.equal(await page.locator('.overtime').count(), 0);
        assert.equal(await page.locator('.segments button').count(), 0);
    }));

for (const [locale, tab, clip, label, adapt, fresh, pooled] of [
    [
        'en',
        '#tab-stream',
        'Sample clip',
        'In tiles, at full resolution',
        'Adapt to this stream',
        /Tiles of this frame: (\d+) of (\d+)\./,
        /Tiles that the score is made of: (\d+) of \d+, of the last (\d+) frames \(at most (\d+)\)\. .*The highest tile has 0\.\d+, (in this frame|seen \d+ frames before this one)\./,
    ],
    [
        'zh-CN',
        '#tab-stream',
        '示例视频',
        '按原始分辨率分块',
        '适应此视频流',
        /本帧分析了 (?<total>\d+) 块中的 (?<fresh>\d+) 块。/,
        /分数综合了 \d+ 块中的 (\d+) 块，取自最近 (\d+) 帧（最多 (\d+) 帧）。.*得分最高的一块为 0\.\d+，见于(本帧|本帧之前第 \d+ 帧)。/,
    ],
]) {
    test(`a clip is looked at in tiles, and each frame says which part of it counts (${locale})`, () =>
        visit(
            async (page) => {
                await page.locator(tab).click();
                // Sessions that adapt look at frames whole: one excludes the other.
                await page.getByLabel(adapt).check();
                await page.getByLabel(label).check();
                assert.equal(await page.getByLabel(adapt).isChecked(), false);
                await page.getByRole('button', { name: clip }).click();
                await page.locator('.state[data-state=done]').waitFor();
                const told = await page.locator('.tiles').innerText();
                const groups = fresh.exec(told);
                const [first, second] = groups?.slice(1).map(Number) ?? [];
                const [read, total] = groups?.groups ? [Number(groups.groups.fresh), Number(groups.groups.total)] : [first, second];
                assert.ok(read >= 1 && read <= 2 && read < total, told);
                const [, analysed, frames, size] = pooled.exec(told)?.map(Number) ?? assert.fail(told);
                // The window is full at the end of a clip: the score is of more tiles than one frame shows, if not of all.
                assert.ok(frames > 1 && frames <= size && analysed > read && analysed <= total, told);
                await assertAccessible(page);

                // A frame before the window was full has fewer, and says so.
                const timeline = page.getByRole('slider', { name: locale === 'en' ? 'Timeline' : '时间线' });
                await timeline.focus();
                await timeline.press('Home');
                await page.waitForFunction((before) => document.querySelector('.tiles').innerText !== before, told);
                const [, atFirst, one] = pooled.exec(await page.locator('.tiles').innerText()).map(Number);
                assert.deepEqual([atFirst, one], [read, 1]);
            },
            { locale },
        ));
}

for (const [name, size, options] of [
    ['dark, in Chinese and 320 pixels wide', { width: 320, height: 640 }, { colorScheme: 'dark', locale: 'zh-CN' }],
    ['of 4K', { width: 3840, height: 2160 }, {}],
]) {
    test(`segments keep nobody out of a page that is ${name}`, () =>
        visit(async (page) => {
            await page.locator('#tab-stream').click();
            await page.locator('.session .row button').first().click();
            await page.locator('.found-over li').waitFor();
            // Not before: a browser that paints a large window without a graphics card shows few frames of a clip.
            await page.setViewportSize(size);
            await page.locator('.segments button').click();
            await page.locator('#stream .verdict.manipulated').waitFor();
            await assertAccessible(page);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
            const { left, right } = await page.locator('.segments button').evaluate((node) => node.getBoundingClientRect().toJSON());
            const strip = await page.locator('.segments').evaluate((node) => node.getBoundingClientRect().toJSON());
            assert.ok(left >= strip.left - 1 && right <= strip.right + 1 && right - left >= 24, `${left} to ${right}`);
            if (options.locale) {
                assert.match(await page.locator('.found-over li').innerText(), /^从 2\.\d\d 秒到 3\.\d\d 秒在时段上被篡改/);
                assert.match(await page.locator('.overtime').innerText(), /^时段判定：/);
                await page.locator('.facts .score').getByText('模型认为').waitFor();
            }
        }, options));
}

test('the camera streams until it is stopped, and a second session runs beside it', () =>
    visit(
        async (page) => {
            await page.locator('#tab-stream').click();
            await page.getByRole('button', { name: 'Another session beside this one' }).click();
            const [first, second] = [page.locator('.session').nth(0), page.locator('.session').nth(1)];
            await first.getByRole('button', { name: 'Use the camera' }).click();
            await second.getByRole('button', { name: 'Sample clip' }).click();
            await first.locator('.numbers', { hasText: /frames: \d\d+ analysed/ }).waitFor();
            await first.getByRole('button', { name: 'Stop' }).click();
            await first.locator('.state[data-state=done]').waitFor();
            await second.locator('.summary').waitFor();
            await second.getByRole('button', { name: 'Close' }).click();
            assert.equal(await page.locator('.session').count(), 1);
        },
        { permissions: ['camera'] },
    ));

// LOUPE_PAGE_SECONDS: how long the long stream is; not set, as short as tells something.
const longStreamSeconds = Number(process.env.LOUPE_PAGE_SECONDS ?? 0);
test('a long stream does not grow', () =>
    visit(
        async (page) => {
            const client = await page.context().newCDPSession(page);
            // The least of some: at times a frame or two are on their way, which are no growth.
            const heap = async () => {
                let least = Infinity;
                for (let look = 0; look < 8; look++) {
                    await client.send('HeapProfiler.collectGarbage');
                    least = Math.min(least, (await client.send('Runtime.getHeapUsage')).usedSize);
                }

                return least;
            };
            // Pixels are no part of the heap: they are given back by hand.
            await page.evaluate(() => {
                window.open = 0;
                const [make, close] = [OffscreenCanvas.prototype.transferToImageBitmap, ImageBitmap.prototype.close];
                OffscreenCanvas.prototype.transferToImageBitmap = function () {
                    window.open++;
                    return make.call(this);
                };
                ImageBitmap.prototype.close = function () {
                    window.open--;
                    close.call(this);
                };
            });
            await page.locator('#tab-stream').click();
            await page.getByRole('button', { name: 'Use the camera' }).click();
            await page.locator('.numbers', { hasText: /frames: \d\d+ analysed/ }).waitFor();
            const analysed = async () => Number(/(\d+) analysed/.exec(await page.locator('.numbers').innerText())[1]);
            const first = await heap();
            const begin = await analysed();
            // As many as a busy machine has in a minute.
            const enough = async (frames) =>
                await page.waitForFunction(
                    (least) => Number(/(\d+) analysed/.exec(document.querySelector('.numbers').innerText)?.[1]) >= least,
                    frames,
                    { timeout: 600_000 },
                );
            await enough(begin + 40);
            const heaps = [await heap()];
            for (const end = Date.now() + longStreamSeconds * 1000; Date.now() < end; heaps.push(await heap())) {
                await new Promise((resolve) => setTimeout(resolve, Math.min(300_000, end - Date.now())));
                await enough((await analysed()) + 40);
            }
            const grown = heaps.at(-1) - first;
            const frames = (await analysed()) - begin;
            const open = await page.evaluate(() => window.open);
            if (longStreamSeconds > 0) {
                console.log(`# ${frames} frames; the page's heap, MiB: ${[first, ...heaps].map((bytes) => (bytes / 1048576).toFixed(1)).join(' ')}`);
            }
            await page.getByRole('button', { name: 'Stop' }).click();
            // Those on their way, however many frames the server left out.
            assert.ok(open <= 24, `${open} frames are kept as pixels`);
            // A frame of this camera is 900 kB as pixels.
            assert.ok(grown / frames < 30_000, `${grown} bytes for ${frames} frames`);
            // However long it was.
            assert.ok(grown < 16 * 1048576, `${grown} bytes for ${frames} frames`);
        },
        { permissions: ['camera'] },
    ));

test('a server that is killed and started again under the page costs no frame', async () => {
    const port = await freePort();
    let own = await startServer(port);
    try {
        await visit(
            async (page) => {
                await playClip(page);
                await page.locator('.numbers', { hasText: /: [1-9]\d* analysed/ }).waitFor();
                await own.stop('SIGKILL');
                await page.locator('.state[data-state=reconnecting]').waitFor();
                own = await startServer(port);
                await page.locator('.events', { hasText: 'Connected again, to a new session' }).waitFor();
                await page.locator('.state[data-state=done]').waitFor();
                const [, frames, results] = /^(\d+) frames: (\d+) analysed, 0 without a result/.exec(await page.locator('.numbers').innerText());
                assert.equal(frames, results);
                assert.ok(Number(frames) > 40);
            },
            { url: own.url, expectFaults: true },
        );
    } finally {
        await own.stop();
    }
});

test('a connection that breaks, and one that is slow to go on, cost no frame and double none', () =>
    visit(
        async (page) => {
            let connections = 0;
            await page.routeWebSocket(/\/v1\/stream$/, (socket) => {
                const remote = socket.connectToServer();
                const isFirst = connections++ === 0;
                let messages = 0;
                // The second is silent at first, and the clip plays on meanwhile.
                let held = isFirst ? undefined : [];
                setTimeout(() => {
                    held?.forEach((message) => socket.send(message));
                    held = undefined;
                }, 1200);
                remote.onMessage((message) => {
                    if (isFirst && ++messages === 10) {
                        remote.close({ code: 3000 });
                        socket.close({ code: 3000 });
                    } else if (held) {
                        held.push(message);
                    } else {
                        socket.send(message);
                    }
                });
            });
            await playClip(page);
            await page.locator('.events', { hasText: 'Connected again, nothing was lost' }).waitFor();
            await page.locator('.state[data-state=done]').waitFor();
            const [, frames, results] = /^(\d+) frames: (\d+) analysed, 0 without a result/.exec(await page.locator('.numbers').innerText());
            assert.equal(results, frames);
            assert.match(await page.locator('.summary').innerText(), new RegExp(` of ${frames} frames`));
            assert.equal(connections, 2);
        },
        { expectFaults: true },
    ));

test('a server that wants a key is told it, and a wrong one is asked for again', async () => {
    const keys = join(work, 'keys.json');
    const program = process.env.LOUPE_SERVER ?? join(root, 'out/loupe-grpc-server');
    const key = /key: (\S+)/.exec(execFileSync(program, ['key', 'add', '--file', keys, '--name', 'page'], { encoding: 'utf8' }))[1];
    const own = await startServer(await freePort(), `--Loupe:Security:Keys=${keys}`);
    try {
        await visit(
            async (page) => {
                await page.getByText('This server asks for a key.').waitFor();
                await page.getByRole('textbox', { name: 'Key' }).fill('wrong');
                await page.getByRole('button', { name: 'Use this key' }).click();
                await page.getByText('the key is not known here').waitFor();
                await assertAccessible(page);
                await page.getByRole('textbox', { name: 'Key' }).fill(key);
                await page.getByRole('textbox', { name: 'Key' }).press('Enter');
                await page.getByText('loupe-nano on CPU').waitFor();
                await sample(page, 'authentic-coffee.jpg').click();
                await verdictOf(page).waitFor();
                await page.locator('.card').getByRole('radio', { name: 'Heat map' }).check();
                await playClip(page);
                await page.locator('.summary').waitFor();
            },
            { url: own.url, expectFaults: true },
        );
    } finally {
        await own.stop();
    }
});

/** Of a server that has more to tell than the one of the tests. */
const busy = {
    server: 'loupe-grpc-server/0.2.0',
    ready: true,
    ready_since: '2026-11-28T08:00:00Z',
    time: '2026-11-28T09:30:00Z',
    models: [
        {
            name: 'default',
            model: 'loupe-l14@0a1b2c3d',
            state: 'serving',
            sessions: 2,
            rungs: [
                {
                    provider: 'TensorRT',
                    state: 'preparing',
                    reason: 'building',
                    precision: 'fp16',
                    device: 'NVIDIA H100',
                    building_s: 214,
                    sessions: 0,
                },
                { provider: 'CUDA', state: 'serving', reason: '', precision: 'fp32', device: 'NVIDIA H100', sessions: 2 },
                { provider: 'CPU', state: 'unavailable', reason: 'its trial ended with code 132', precision: 'fp32', device: '', sessions: 0 },
            ],
        },
    ],
    queue: { oldest_wait_s: 0.42, waiting: 17, inside: 12 },
    memory: [
        { kind: 'receiving', held: 40 << 20, limit: 512 << 20 },
        { kind: 'frames', held: 700 << 20, limit: 1024 << 20 },
        { kind: 'responses', held: 3 << 20, limit: 512 << 20 },
        { kind: 'adaptation', held: 120 << 20, limit: 256 << 20 },
    ],
    open_sessions: 2,
    sessions: [
        {
            id: 's-2',
            name: 'gate 3',
            owner: 'key:gate-3',
            client: 'loupe-grpc-client/0.2.0',
            adapts: true,
            opened: '2026-11-28T08:12:31Z',
            frames: 116000,
            results: 115200,
        },
        {
            id: 's-1',
            name: '<img src=x onerror=alert(1)>',
            owner: 'a stranger',
            client: 'loupe-page',
            parked_since: '2026-11-28T09:29:20Z',
            opened: '2026-11-28T09:28:00Z',
            frames: 240,
            results: 236,
        },
    ].map((session) => ({
        model: 'loupe-l14@0a1b2c3d',
        provider: 'CUDA',
        precision: 'fp32',
        adapts: false,
        in_flight: 4,
        dropped: 12,
        expired: 0,
        failed: 1,
        ...session,
    })),
};

test('who looks after the server sees how it does, and who does not is told so', async () => {
    const keys = join(work, 'roles.json');
    const program = process.env.LOUPE_SERVER ?? join(root, 'out/loupe-grpc-server');
    const add = (name, role) =>
        /key: (\S+)/.exec(execFileSync(program, ['key', 'add', '--file', keys, '--name', name, '--role', role], { encoding: 'utf8' }))[1];
    const [analyse, observe] = [add('gate', 'analyse'), add('watch', 'observe')];
    const own = await startServer(await freePort(), `--Loupe:Security:Keys=${keys}`);
    const enter = async (page, key) => {
        await page.getByRole('textbox', { name: 'Key' }).fill(key);
        await page.getByRole('button', { name: 'Use this key' }).click();
    };
    try {
        await visit(
            async (gate) => {
                await enter(gate, analyse);
                await gate.getByText('loupe-nano on CPU').waitFor();
                await gate.locator('#tab-operations').click();
                await gate.getByText('This is for those who look after the server: key:gate has the role analyse, and this needs observe.').waitFor();
                assert.ok(await gate.locator('#operations table').first().isHidden());
                await assertAccessible(gate);
                await gate.locator('#tab-stream').click();
                await gate.getByRole('button', { name: 'Use the camera' }).click();
                await gate.locator('.numbers', { hasText: /frames: \d+ analysed/ }).waitFor();
                await visit(
                    async (watch) => {
                        await enter(watch, observe);
                        // Of pictures nothing is for this key, and it says so.
                        await watch.getByText('key:watch has the role observe, and this needs analyse').waitFor();
                        await watch.locator('#tab-operations').click();
                        const rows = watch.locator('#operations tbody');
                        await rows.first().getByText('serving').waitFor();
                        assert.match(await rows.first().innerText(), /^default: loupe-nano@[0-9a-f]{8}\s[^]*CPU fp32\s+serving\s+\d+$/);
                        const session = rows.last().locator('tr', { hasText: 'key:gate' });
                        await session.getByText('loupe-page').waitFor();
                        // A rate is known from the second answer on.
                        await watch.waitForFunction(
                            () => Number(document.querySelectorAll('#operations tbody')[1].querySelectorAll('td')[5]?.textContent) > 0,
                        );
                        assert.equal(await watch.locator('#operations meter').count(), 4);
                        await watch.getByText('Open sessions: 1.').waitFor();
                        await assertAccessible(watch);
                    },
                    { url: own.url, expectFaults: true },
                );
                await gate.getByRole('button', { name: 'Stop' }).click();
                await gate.locator('.state[data-state=done]').waitFor();

                // With another key this page sees it too.
                await gate.locator('#tab-operations').click();
                await gate.getByRole('button', { name: 'Use another key' }).click();
                await enter(gate, observe);
                await gate.locator('#operations tbody').first().getByText('serving').waitFor();
                await gate.getByText('No session is open.').waitFor();
            },
            { url: own.url, expectFaults: true, permissions: ['camera'] },
        );
    } finally {
        await own.stop();
    }
});

test('operations look as they do in the documents, keep nobody out, and wait for a server that does not answer', () =>
    visit(
        async (page) => {
            let [answers, asked] = [true, 0];
            // Each answer two seconds and fifty frames of each session later.
            const next = () => ({
                ...busy,
                time: new Date(Date.parse(busy.time) + 2000 * asked++).toISOString(),
                sessions: busy.sessions.map((session) => ({ ...session, results: session.results + 50 * asked })),
            });
            await page.route('**/v1/operations', (route) => (answers ? route.fulfill({ json: next() }) : route.abort()));
            await page.locator('#tab-operations').click();
            await page.getByText('preparing · building engines for 214 s · building').waitFor();
            await page.getByRole('meter', { name: 'Frames: 700.0 MiB of 1024.0 MiB' }).waitFor();
            // A name is a name.
            await page.getByText('<img src=x onerror=alert(1)> (without a connection for 0:00:4').waitFor();
            await page.locator('#operations td', { hasText: '25.0' }).first().waitFor();
            assert.equal(await page.locator('#operations img').count(), 0);
            await compare(page, 'operations', page.locator('#operations'));
            for (const size of [
                { width: 320, height: 640 },
                { width: 3840, height: 2160 },
            ]) {
                await page.setViewportSize(size);
                await assertAccessible(page);
                assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
            }
            answers = false;
            await page.getByText('The server does not answer. It is asked again in 4 s.').waitFor();
            await page.getByText('The server does not answer. It is asked again in 8 s.').waitFor();
            answers = true;
            await page.getByText('Ready since').waitFor();
            await page.getByRole('button', { name: '中文' }).click();
            await page.locator('#tab-operations').click();
            await page.getByText('准备中 · 正在构建引擎，已用 214 秒 · building').waitFor();
            await assertAccessible(page);
        },
        { expectFaults: true, timezoneId: 'UTC' },
    ));

test('what a server signs can be kept, and holds', async () => {
    const key = join(work, 'receipts.key');
    const program = process.env.LOUPE_SERVER ?? join(root, 'out/loupe-grpc-server');
    const [, id] = /key id: (\S+)/.exec(execFileSync(program, ['key', 'sign', '--output', key], { encoding: 'utf8', stdio: 'pipe' }));
    const own = await startServer(await freePort(), `--Loupe:Receipts:Key=${key}`);
    try {
        await visit(
            async (page) => {
                await page.getByText('loupe-nano on CPU').waitFor();
                await sample(page, 'forged-cat-in-coffee.jpg').click();
                await verdictOf(page).waitFor();
                await page.getByText('Receipt', { exact: true }).click();
                await page.getByText(`signed with the key ${id}`).waitFor();
                await assertAccessible(page);
                const download = page.waitForEvent('download');
                await page.getByRole('link', { name: 'Download the receipt' }).click();
                const file = await (await download).path();
                const client = process.env.LOUPE_CLIENT ?? join(root, 'out/loupe-grpc-client');
                const checked = execFileSync(
                    client,
                    ['verify', file, '--public-key', `${key}.pub`, '--picture', join(root, 'samples/forged-cat-in-coffee.jpg')],
                    { encoding: 'utf8', stdio: 'pipe' },
                );
                assert.match(checked, /^holds .*MANIPULATED 0\.8\d+ by loupe-nano/);
            },
            { url: own.url },
        );
    } finally {
        await own.stop();
    }
});

for (const [name, options] of [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['Chinese', { locale: 'zh-CN' }],
    ['of 320 pixels', { viewport: { width: 320, height: 640 } }],
    ['of 4K', { viewport: { width: 3840, height: 2160 } }],
]) {
    test(`a page that is ${name} has nothing that keeps anybody out`, () =>
        visit(async (page) => {
            await page.locator('.sample').first().click();
            await verdictOf(page).waitFor();
            await page.locator('details summary').first().click();
            await assertAccessible(page);
            await page.locator('[role=tab]').first().focus();
            await page.keyboard.press('ArrowRight');
            await page.locator('#stream').waitFor();
            await assertAccessible(page);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
            assert.equal(await page.evaluate(() => document.documentElement.lang), name === 'Chinese' ? 'zh' : 'en');
        }, options));
}

test('language and colours are chosen, and kept', () =>
    visit(async (page) => {
        await page.getByRole('button', { name: '中文' }).click();
        await page.getByRole('heading', { name: '这张图片可信吗？' }).waitFor();
        await page.getByRole('button', { name: '浅色或深色' }).click();
        await page.reload();
        await page.getByRole('heading', { name: '这张图片可信吗？' }).waitFor();
        assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
        await sample(page, 'forged-cat-in-coffee.jpg').click();
        await page.locator('.card .verdict').waitFor();
        await page
            .locator('.score')
            .getByText(/^分数为 0\.8\d\d，达到阈值 0\.6：模型认为图片被篡改。$/)
            .waitFor();
        await page.getByRole('button', { name: 'English' }).click();
        await page.getByRole('heading', { name: 'Can this picture be trusted?' }).waitFor();
    }));

test('the page looks as it is shown in the documents', () =>
    visit(async (page) => {
        await sample(page, 'forged-cat-in-coffee.jpg').click();
        await verdictOf(page).waitFor();
        await page.waitForLoadState('networkidle');
        await compare(page, 'pictures', page);
    }));

test('nothing comes from elsewhere, and no script stands in the page', async () => {
    const answer = await fetch(server.url);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|http/);
    assert.doesNotMatch(await answer.text(), /<script(?![^>]* src="\/)|https?:\/\//);
    const again = await fetch(server.url, { headers: { 'if-none-match': answer.headers.get('etag') } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(server.url, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${server.url}assets/none.js`)).status, 404);
});
