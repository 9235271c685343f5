import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const root = new URL('../../', import.meta.url).pathname;
const packages = createRequire(join(root, 'clients/web/package.json'));
const { chromium } = packages('playwright-core');
const { AxeBuilder } = packages('@axe-core/playwright');
const client = process.env.LOUPE_CLIENT ?? join(root, 'out/loupe-grpc-client');
const work = mkdtempSync(join(tmpdir(), 'loupe-report-'));

let browser;

before(async () => {
    mkdirSync(join(work, 'in'));
    for (const name of ['forged-cat-in-coffee.jpg', 'authentic-chelsea.png', 'forged-stars-noise.png']) {
        copyFileSync(join(root, 'samples', name), join(work, 'in', name));
    }
    writeFileSync(join(work, 'in', '<img src=x onerror=alert(1)>.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0]));
    write('pictures.html', 20, ['analyze', 'in', '--report', 'pictures.html']);
    write('clip.html', 10, ['stream', join(root, 'samples/clip.avi'), '--fps', '4', '--adapt', '--report', 'clip.html']);
    browser = await chromium.launch({ executablePath: process.env.LOUPE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--hide-scrollbars'] });
});

after(async () => {
    await browser?.close();
    rmSync(work, { recursive: true, force: true });
});

/** With a server of its own for the run. */
function write(file, code, line) {
    const run = spawnSync(client, [...line, '--serve'], { cwd: work, encoding: 'utf8' });
    assert.equal(run.status, code, run.stderr);
    assert.match(run.stderr, new RegExp(`^report written to ${file}$`, 'm'));
}

/** A page of its own, without a script and without a network. Whatever the browser complains of, Content-Security-Policy among it, fails the test. */
async function read(file, use, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false, offline: true, ...options });
    const page = await context.newPage();
    const faults = [];
    page.on('console', (message) => faults.push(message.text()));
    page.on('request', (request) => request.url().startsWith('data:') || request.isNavigationRequest() || faults.push(request.url()));
    try {
        await page.goto(pathToFileURL(join(work, file)).href);
        await use(page);
        assert.deepEqual(faults, []);
    } finally {
        await context.close();
    }
}

test('a filter leaves what it names, in the list and below it', () =>
    read('pictures.html', async (page) => {
        const shown = async () => [await page.locator('tr.entry:visible').count(), await page.locator('article:visible').count()];
        assert.deepEqual(await shown(), [4, 4]);
        for (const [word, count] of [['Manipulated', 2], ['Authentic', 1], ['Failed', 1], ['All', 4]]) {
            await page.locator('label', { hasText: word }).click();
            assert.deepEqual(await shown(), [count, count], word);
        }

        // By keys alone.
        await page.locator('#show-all').focus();
        await page.keyboard.press('ArrowRight');
        assert.deepEqual(await shown(), [2, 2]);
    }));

test('pictures are there, side by side, and large enough to see', () =>
    read('pictures.html', async (page) => {
        const first = page.locator('article.manipulated').first().locator('img');
        assert.equal(await first.count(), 2);
        const [left, right] = [await first.nth(0).boundingBox(), await first.nth(1).boundingBox()];
        assert.ok(left.width >= 300 && left.height >= 200, JSON.stringify(left));
        assert.ok(Math.abs(left.y - right.y) < 2 && right.x >= left.x + left.width, JSON.stringify([left, right]));
    }));

for (const colorScheme of ['light', 'dark']) {
    for (const file of ['pictures.html', 'clip.html']) {
        test(`${file} can be read by everyone, ${colorScheme}`, () =>
            read(
                file,
                async (page) => {
                    const { violations } = await new AxeBuilder({ page }).analyze();
                    assert.deepEqual(
                        violations.map((violation) => [violation.id, violation.nodes[0].html.slice(0, 200)]),
                        [],
                    );
                },
                // axe is a script of the test's; the page's policy lets none of its own run.
                { colorScheme, javaScriptEnabled: true, bypassCSP: true },
            ));
    }
}

for (const file of ['pictures.html', 'clip.html']) {
    test(`${file} fits a screen of 320 pixels`, () =>
        read(
            file,
            async (page) => {
                assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
            },
            { viewport: { width: 320, height: 800 }, javaScriptEnabled: true },
        ));

    test(`${file} is printed whole: all text, every picture, no cut line`, () => {
        const pdf = join(work, `${file}.pdf`);
        execFileSync(process.env.LOUPE_CHROMIUM ?? '/usr/bin/chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--no-pdf-header-footer', `--user-data-dir=${join(work, 'profile')}`, `--print-to-pdf=${pdf}`, pathToFileURL(join(work, file)).href], { stdio: 'ignore' });
        const text = execFileSync('pdftotext', ['-layout', pdf, '-'], { encoding: 'utf8' });
        for (const words of ['Summary', 'A demonstration model answered', 'MANIPULATED', 'SHA-256', 'What these figures mean and do not mean', 'How it was made', 'How large this report may be', 'Nothing was left out of this one.']) {
            assert.ok(text.includes(words), words);
        }
        // Words of the list are not broken, hashes are whole.
        assert.match(text, /^ *0 +(AUTHENTIC|MANIPULATED|UNCERTAIN|FAILED) /m);
        assert.match(text, /[0-9a-f]{64}/);
        const listed = execFileSync('pdfimages', ['-list', pdf], { encoding: 'utf8' });
        assert.ok(listed.split('\n').filter((line) => / image /.test(line)).length >= 5, listed);

        // Nothing is at the very edge of the paper, and no page is empty.
        execFileSync('pdftoppm', ['-r', '30', '-gray', pdf, join(work, `${file}-page`)]);
        const pages = readdirSync(work).filter((name) => name.startsWith(`${file}-page`) && name.endsWith('.pgm'));
        assert.ok(pages.length >= 2, `${pages.length} pages`);
        for (const name of pages) {
            const { width, height, ink } = gray(join(work, name));
            assert.ok(ink.length > 0, `${name} is empty`);
            assert.ok(ink.every((at) => at % width > 8 && at % width < width - 8 && Math.floor(at / width) > 8 && Math.floor(at / width) < height - 8), `${name} is cut`);
        }
    });
}

test('what is printed with a filter says so', () =>
    read('pictures.html', async (page) => {
        await page.locator('label', { hasText: 'Failed' }).click();
        await page.emulateMedia({ media: 'print' });
        assert.equal(await page.getByText('Printed with a filter').isVisible(), true);
        assert.equal(await page.locator('article:visible').count(), 1);
    }));

/** Where a picture of pdftoppm is darker than paper. */
function gray(file) {
    const data = execFileSync('cat', [file], { maxBuffer: 1 << 28 });
    const [header, width, height] = /^P5\s+(\d+)\s+(\d+)\s+\d+\s/.exec(data.subarray(0, 64).toString('latin1'));
    const ink = [];
    for (let at = header.length; at < data.length; at++) {
        if (data[at] < 230) ink.push(at - header.length);
    }
    return { width: Number(width), height: Number(height), ink };
}
