import { element } from './dom';
import { ask } from './key';
import { button } from './pictures';
import { operations, Refused, type OpenSession, type Operations } from './server';
import { fill, language, rounded, texts } from './texts';

const EVERY_MS = 2000;
/** Where the server does not answer, it is asked less and less often. */
const LONGEST_MS = 30_000;
const MEBI = 1 << 20;
/** Of a limit, from where on it is close. */
const HIGH = 0.9;

const said = texts.ops;

/** How the server does, for those who look after it: asked for as long as somebody looks. */
export class OperationsView {
    readonly node: HTMLElement;
    private readonly status = element('p', { className: 'state', attributes: { role: 'status' } });
    private readonly refusal = element('div', { hidden: true });
    private readonly shown = element('div', { hidden: true });
    private readonly models = table(said.models, [said.model, said.provider, said.state, said.sessions]);
    private readonly queue = element('dl', { className: 'shares' });
    private readonly memory = element('div', { className: 'shares' });
    private readonly open = element('p', {});
    private readonly sessions = table(said.sessions, [
        said.session,
        said.owner,
        said.client,
        said.provider,
        said.age,
        said.rate,
        said.frames,
        said.inFlight,
        said.dropped,
        said.expired,
        said.failed,
    ]);
    private isShown = false;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private isAsking = false;
    private failures = 0;
    private before: Operations | undefined;

    /** @param changed Another key is used from now on. */
    constructor(private readonly changed: () => void) {
        const section = (title: string, ...children: HTMLElement[]) =>
            element('section', { className: 'panel' }, element('h2', {}, title), ...children);
        this.shown.append(
            section(said.models, this.models.node),
            section(said.queue, this.queue),
            section(said.memory, this.memory),
            section(said.sessions, this.open, this.sessions.node),
        );
        this.node = element(
            'section',
            { id: 'operations', hidden: true, attributes: { role: 'tabpanel', 'aria-labelledby': 'tab-operations' } },
            this.status,
            this.refusal,
            this.shown,
        );
        document.addEventListener('visibilitychange', () => this.look());
    }

    show(isShown: boolean): void {
        this.isShown = isShown;
        this.look();
    }

    /** Asks at once where somebody looks, and no more where nobody does. */
    private look(): void {
        clearTimeout(this.timer);
        if (this.isShown && !document.hidden) {
            void this.ask();
        }
    }

    private async ask(): Promise<void> {
        if (this.isAsking) {
            return;
        }
        this.isAsking = true;
        let pause: number | undefined = EVERY_MS;
        try {
            this.paint(await operations());
            this.failures = 0;
        } catch (error) {
            if (error instanceof Refused && error.status === 403) {
                this.refuse(error.message);
                pause = undefined;
            } else {
                pause = Math.min(LONGEST_MS, EVERY_MS * 2 ** ++this.failures);
                this.status.textContent = fill(said.silent, { seconds: Math.round(pause / 1000) });
            }
        } finally {
            this.isAsking = false;
        }
        clearTimeout(this.timer);
        if (pause !== undefined && this.isShown && !document.hidden) {
            this.timer = setTimeout(() => void this.ask(), pause);
        }
    }

    /** Said once, and not asked again until there is another key. */
    private refuse(reason: string): void {
        this.shown.hidden = true;
        this.refusal.hidden = false;
        this.status.textContent = fill(said.refused, { reason });
        this.refusal.replaceChildren(
            button(said.otherKey, () => {
                void ask(reason).then(() => {
                    this.changed();
                    this.look();
                });
            }),
        );
    }

    private paint(now: Operations): void {
        this.refusal.hidden = true;
        this.shown.hidden = false;
        const since = now.ready_since === undefined ? '' : new Date(now.ready_since).toLocaleString(language);
        const status = `${now.server}. ${now.ready ? fill(said.ready, { time: since }) : said.notReady}`;
        // Told to screen readers when it changes, not every two seconds.
        if (this.status.textContent !== status) {
            this.status.textContent = status;
        }
        this.models.body.replaceChildren(
            ...now.models.flatMap((model) =>
                model.rungs.map((rung, i) =>
                    row(
                        i > 0 ? '' : `${model.name}: ${model.model}${model.state === 'leaving' ? ` (${said.states.leaving})` : ''}`,
                        [rung.provider, rung.precision, rung.device].filter(Boolean).join(' '),
                        element(
                            'span',
                            { className: `rung-${rung.state}` },
                            [
                                named(said.states, rung.state),
                                rung.building_s === undefined ? '' : fill(said.building, { seconds: rounded(rung.building_s, 0) }),
                                rung.reason,
                            ]
                                .filter(Boolean)
                                .join(' · '),
                        ),
                        rung.sessions,
                    ),
                ),
            ),
        );
        this.queue.replaceChildren(
            ...[
                [said.oldest, fill(texts.at, { seconds: rounded(now.queue.oldest_wait_s) })],
                [said.waiting, String(now.queue.waiting)],
                [said.inside, String(now.queue.inside)],
            ].map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
        );
        this.memory.replaceChildren(
            ...now.memory.map(({ kind, held, limit }) => {
                const name = named(said.kinds, kind);
                const value = fill(said.held, { held: bytes(held), limit: bytes(limit) });
                return element(
                    'div',
                    {},
                    element('div', {}, name),
                    element('meter', {
                        min: 0,
                        max: limit,
                        high: HIGH * limit,
                        optimum: 0,
                        value: held,
                        attributes: { 'aria-label': `${name}: ${value}` },
                    }),
                    element('div', {}, value),
                );
            }),
        );
        const { length } = now.sessions;
        this.open.textContent =
            length === 0 ? said.none : fill(length < now.open_sessions ? said.newest : said.open, { count: length, open: now.open_sessions });
        this.sessions.node.hidden = length === 0;
        const before = new Map(this.before?.sessions.map((session) => [session.id, session]));
        const seconds = this.before === undefined ? 0 : (Date.parse(now.time) - Date.parse(this.before.time)) / 1000;
        this.sessions.body.replaceChildren(
            ...now.sessions.map((session) => sessionRow(session, before.get(session.id), seconds, Date.parse(now.time))),
        );
        this.before = now;
    }
}

/** @param seconds Since the counters before; 0: there are none. */
function sessionRow(session: OpenSession, before: OpenSession | undefined, seconds: number, now: number): HTMLElement {
    const facts = [
        session.adapts && said.adapts,
        session.parked_since !== undefined && fill(said.parked, { time: duration(now - Date.parse(session.parked_since)) }),
    ].filter(Boolean);
    return row(
        `${session.name || session.id}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`,
        session.owner,
        session.client,
        `${session.provider} ${session.precision}`,
        duration(now - Date.parse(session.opened)),
        before && seconds > 0 ? rounded(Math.max(0, session.results - before.results) / seconds, 1) : '–',
        session.frames,
        session.in_flight,
        session.dropped,
        session.expired,
        session.failed,
    );
}

/** A table that scrolls by itself where a screen is too small for it. */
function table(name: string, heads: readonly string[]): { node: HTMLElement; body: HTMLElement } {
    const body = element('tbody', {});
    const node = element(
        'div',
        { className: 'wide', tabIndex: 0, attributes: { role: 'group', 'aria-label': `${name}. ${said.scroll}` } },
        element('table', {}, element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))), body),
    );
    return { node, body };
}

/** Names come from others: each is text, in a direction of its own. */
function row(...cells: (string | number | HTMLElement)[]): HTMLElement {
    return element(
        'tr',
        {},
        ...cells.map((cell) =>
            typeof cell === 'number'
                ? element('td', { className: 'number' }, String(cell))
                : element('td', {}, typeof cell === 'string' ? element('bdi', {}, cell) : cell),
        ),
    );
}

function named(names: Record<string, string>, word: string): string {
    return names[word] ?? word;
}

function bytes(count: number): string {
    return `${rounded(count / MEBI, 1)} MiB`;
}

/** Hours, minutes and seconds. */
function duration(milliseconds: number): string {
    const whole = Math.max(0, Math.floor(milliseconds / 1000));
    const two = (part: number) => String(part).padStart(2, '0');
    return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
