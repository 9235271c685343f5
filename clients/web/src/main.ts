import './style.css';
import { element } from './dom';
import { OperationsView } from './operations';
import { button, Pictures } from './pictures';
import { info, Refused, type Info } from './server';
import { Streams } from './stream';
import { choose, fill, language, languages, texts } from './texts';

const PAUSE_MS = 3000;

let known: Info | undefined;
const about = element('p', { className: 'about', attributes: { role: 'status' } });
const warning = element('p', { className: 'demonstration', hidden: true }, texts.demonstration);

/** What serves, as soon as it is there. */
async function ask(): Promise<void> {
    try {
        known = await info();
        about.textContent = fill(texts.serves, { model: known.model.name, provider: known.provider, precision: known.precision });
        warning.hidden = !known.model.demonstration;
    } catch (error) {
        // Who may look after the server alone is told so; asking again would not change it.
        const isRefused = error instanceof Refused && error.status === 403;
        about.textContent = isRefused ? error.message : texts.unreachable;
        if (!isRefused) {
            setTimeout(() => void ask(), PAUSE_MS);
        }
    }
}

function themes(): HTMLElement {
    const stored = localStorage.getItem('theme');
    if (stored !== null) {
        document.documentElement.dataset.theme = stored;
    }
    return button(texts.themes, () => {
        const isDark = (document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
        document.documentElement.dataset.theme = isDark ? 'light' : 'dark';
        localStorage.setItem('theme', isDark ? 'light' : 'dark');
    });
}

function tabs(panels: readonly { id: string; text: string; panel: HTMLElement; shown?: (isShown: boolean) => void }[]): HTMLElement {
    const made = panels.map(({ id, text, panel }, place) => {
        const tab = element(
            'button',
            {
                type: 'button',
                id: `tab-${id}`,
                tabIndex: place === 0 ? 0 : -1,
                attributes: { role: 'tab', 'aria-controls': panel.id, 'aria-selected': String(place === 0) },
            },
            text,
        );
        const select = () => {
            panels.forEach((other, i) => {
                other.panel.hidden = i !== place;
                other.shown?.(i === place);
                made[i]?.setAttribute('aria-selected', String(i === place));
                if (made[i]) {
                    made[i].tabIndex = i === place ? 0 : -1;
                }
            });
        };
        tab.addEventListener('click', select);
        tab.addEventListener('keydown', (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (step !== undefined) {
                const other = made[(place + step + panels.length) % panels.length];
                other?.focus();
                other?.click();
            }
        });
        return tab;
    });
    return element('div', { className: 'tabs', attributes: { role: 'tablist' } }, ...made);
}

document.documentElement.lang = language;
document.title = `LoupeGrpc: ${texts.title}`;
const pictures = new Pictures(() => known);
const streams = new Streams();
const operations = new OperationsView(() => void ask());
document.body.append(
    element(
        'header',
        { className: 'top' },
        element('div', {}, element('h1', {}, texts.title), element('p', {}, texts.lead), about, warning),
        element(
            'nav',
            { className: 'row' },
            themes(),
            ...Object.entries(languages)
                .filter(([name]) => name !== language)
                .map(([name, other]) => {
                    const made = button(other.language, () => choose(name));
                    made.lang = name;
                    return made;
                }),
        ),
    ),
    element(
        'main',
        {},
        tabs([
            { id: 'pictures', text: texts.pictures, panel: pictures.node },
            { id: 'stream', text: texts.stream, panel: streams.node },
            { id: 'operations', text: texts.operations, panel: operations.node, shown: (isShown) => operations.show(isShown) },
        ]),
        pictures.node,
        streams.node,
        operations.node,
    ),
);
void ask();
