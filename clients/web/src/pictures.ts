import { element } from './dom';
import { gauge } from './gauge';
import { analyze, heatOf, Refused, type Info, type Result } from './server';
import { fill, language, rounded, texts } from './texts';
import { Viewer } from './viewer';

/** Pictures of the page's own, beside it on the server. */
const SAMPLES = ['forged-cat-in-coffee.jpg', 'forged-astronaut-in-space.png', 'authentic-coffee.jpg', 'authentic-astronaut.png'];

/** By their first bytes, as the server tells them. */
const SIGNATURES: readonly (readonly number[])[] = [
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47],
    [0x42, 0x4d],
    [0x49, 0x49, 0x2a, 0x00],
    [0x4d, 0x4d, 0x00, 0x2a],
    [0x52, 0x49, 0x46, 0x46],
];

async function isPicture(file: Blob): Promise<boolean> {
    const first = new Uint8Array(await file.slice(0, 12).arrayBuffer());
    const brand = String.fromCharCode(...first.slice(4, 12));
    return SIGNATURES.some((signature) => signature.every((byte, i) => first[i] === byte)) || /^ftyp(heic|heix|hevc|mif1|msf1|avif|avis)/.test(brand);
}

/** Pictures that are dropped, pasted or chosen: analysed one after the other, each with what was found. */
export class Pictures {
    readonly node: HTMLElement;
    private readonly list = element('div', { className: 'cards' });
    private readonly status = element('p', { attributes: { role: 'status' } });
    private readonly waiting: { file: Blob; name: string }[] = [];
    private running = false;
    private passedOver = 0;

    constructor(private readonly info: () => Info | undefined) {
        const files = element('input', { type: 'file', multiple: true, id: 'files', className: 'hidden' });
        const folder = element('input', { type: 'file', multiple: true, id: 'folder', className: 'hidden', attributes: { webkitdirectory: '' } });
        for (const input of [files, folder]) {
            input.addEventListener('change', () => {
                void this.add([...(input.files ?? [])]);
                input.value = '';
            });
        }
        const zone = element(
            'div',
            { className: 'drop' },
            element('p', {}, texts.drop),
            element(
                'div',
                { className: 'row' },
                button(texts.choose, () => files.click()),
                button(texts.chooseFolder, () => folder.click()),
            ),
            files,
            folder,
        );
        files.setAttribute('aria-label', texts.choose);
        folder.setAttribute('aria-label', texts.chooseFolder);
        for (const name of ['dragover', 'dragenter'] as const) {
            window.addEventListener(name, (event) => {
                event.preventDefault();
                zone.classList.add('over');
            });
        }
        window.addEventListener('dragleave', () => zone.classList.remove('over'));
        window.addEventListener('drop', (event) => {
            event.preventDefault();
            zone.classList.remove('over');
            void this.add([...(event.dataTransfer?.files ?? [])]);
        });
        window.addEventListener('paste', (event) => void this.add([...(event.clipboardData?.files ?? [])]));
        const samples = SAMPLES.map((name) => {
            const choose = element(
                'button',
                { className: 'sample', type: 'button' },
                element('img', { src: `/samples/${name}`, alt: '', loading: 'lazy', width: 96, height: 72 }),
                element('span', {}, name),
            );
            choose.addEventListener(
                'click',
                () =>
                    void fetch(`/samples/${name}`)
                        .then((answer) => answer.blob())
                        .then((blob) => this.take(blob, name)),
            );
            return choose;
        });
        this.node = element(
            'section',
            { id: 'pictures', attributes: { role: 'tabpanel', 'aria-labelledby': 'tab-pictures' } },
            zone,
            element('h2', {}, texts.samples),
            element('div', { className: 'row samples' }, ...samples),
            element('h2', {}, texts.results),
            this.status,
            this.list,
        );
    }

    /** In natural order of their names. */
    private async add(files: File[]): Promise<void> {
        files.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
        for (const file of files) {
            if (await isPicture(file)) {
                this.take(file, file.webkitRelativePath || file.name);
            } else {
                this.passedOver++;
                this.showWaiting();
            }
        }
    }

    private take(file: Blob, name: string): void {
        this.waiting.push({ file, name });
        this.showWaiting();
        if (!this.running) {
            void this.run();
        }
    }

    private showWaiting(): void {
        this.status.textContent = [
            this.waiting.length > 0 && fill(texts.waiting, { count: this.waiting.length }),
            this.passedOver > 0 && fill(texts.notPicture, { count: this.passedOver }),
        ]
            .filter(Boolean)
            .join('. ');
    }

    private async run(): Promise<void> {
        this.running = true;
        for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
            this.showWaiting();
            const card = new Card(next.file, next.name, this.info);
            this.list.prepend(card.node);
            await card.run();
        }
        this.running = false;
    }
}

class Card {
    readonly node: HTMLElement;
    private readonly found = element('div', { className: 'found', attributes: { 'aria-live': 'polite' } }, element('p', {}, `${texts.analysing} …`));

    constructor(
        private readonly file: Blob,
        private readonly name: string,
        private readonly info: () => Info | undefined,
    ) {
        const remove = button(texts.remove, () => this.node.remove());
        remove.setAttribute('aria-label', `${texts.remove}: ${name}`);
        this.node = element('article', { className: 'card' }, element('header', {}, element('h3', {}, name), remove), this.found);
    }

    async run(): Promise<void> {
        try {
            const { text, result } = await analyze(this.file, language, this.info()?.receipt_key !== undefined);
            await this.show(text, result);
        } catch (error) {
            const reason = error instanceof Refused ? error.message : texts.unreachable;
            this.found.replaceChildren(element('p', { className: 'verdict failed' }, texts.verdict.FAILED), element('p', {}, reason));
        }
    }

    private async show(text: string, result: Result): Promise<void> {
        let heat: Promise<Blob> | undefined;
        const viewer = new Viewer(this.name, () => (heat ??= heatOf(this.file)));
        const picture = await createImageBitmap(this.file, { imageOrientation: 'none' }).catch(() => undefined);
        await viewer.set(picture, result.width ?? 1, result.height ?? 1, result.orientation ?? 1, result.mask);
        const thresholds = this.info()?.default_thresholds ?? { low: 0.4, high: 0.6 };
        const verdict = result.verdict ?? 'UNCERTAIN';
        const json = new Blob([text], { type: 'application/json' });
        const save = element('a', { download: `${this.name.replaceAll('/', '-')}.json`, href: URL.createObjectURL(json) }, texts.download);
        this.found.replaceChildren(
            viewer.node,
            element(
                'div',
                { className: 'facts' },
                gauge(
                    result.score ?? 0,
                    thresholds.low,
                    thresholds.high,
                    verdict,
                    (result.explanation ?? []).map(({ text: sentence }) => sentence),
                ),
                ...list(
                    texts.regions,
                    (result.regions ?? []).map(({ box, area }) => fill(texts.region, { x: box[0], y: box[1], width: box[2], height: box[3], area })),
                ),
                ...list(
                    texts.notes,
                    (result.notes ?? []).map(({ code, message }) => `${code}: ${message}`),
                ),
                element(
                    'details',
                    {},
                    element('summary', {}, texts.details),
                    facts([
                        [texts.size, `${result.width ?? 0} x ${result.height ?? 0}`],
                        [texts.provider, result.provider ?? ''],
                        [texts.times, timesOf(result)],
                        [texts.hash, result.sha256 ?? ''],
                    ]),
                ),
                ...this.receiptOf(result),
                element('details', {}, element('summary', {}, texts.raw), element('pre', { tabIndex: 0 }, JSON.stringify(result, null, 1)), save),
            ),
        );
    }

    /** As `loupe-grpc-client verify` reads it. */
    private receiptOf(result: Result): HTMLElement[] {
        const key = this.info()?.receipt_key;
        if (result.receipt === undefined || key === undefined) {
            return [];
        }
        const line = new Blob([`${JSON.stringify(result.receipt)}\n`], { type: 'application/jsonl' });
        const save = element(
            'a',
            { download: `${this.name.replaceAll('/', '-')}.receipt.jsonl`, href: URL.createObjectURL(line) },
            texts.downloadReceipt,
        );
        return [element('details', {}, element('summary', {}, texts.receipt), element('p', {}, fill(texts.receiptMeans, { key: key.key_id })), save)];
    }
}

function timesOf(result: Result): string {
    const times = result.timings_ms ?? {};
    return Object.entries(texts.stage)
        .filter(([stage]) => times[stage] !== undefined)
        .map(([stage, word]) => `${word} ${rounded(times[stage] ?? 0, 1)} ms`)
        .join(', ');
}

export function button(text: string, pressed: () => void): HTMLButtonElement {
    const made = element('button', { type: 'button' }, text);
    made.addEventListener('click', pressed);
    return made;
}

function list(title: string, lines: readonly string[]): HTMLElement[] {
    return lines.length === 0 ? [] : [element('h4', {}, title), element('ul', {}, ...lines.map((line) => element('li', {}, line)))];
}

function facts(pairs: readonly (readonly [string, string])[]): HTMLElement {
    return element('dl', {}, ...pairs.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}
