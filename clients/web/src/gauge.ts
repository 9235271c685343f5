import { drawing, element } from './dom';
import type { VerdictName } from './server';
import { fill, rounded, texts } from './texts';

/** The score on a scale with both thresholds, and sentences about it. */
export function gauge(score: number, low: number, high: number, verdict: VerdictName, sentences: readonly string[]): HTMLElement {
    const [width, height] = [300, 26];
    const scale = drawing(
        'svg',
        {
            viewBox: `0 0 ${width} ${height}`,
            class: 'gauge',
            role: 'img',
            'aria-label': fill(texts.scoreOf, { score: rounded(score, 3), low, high }),
        },
        drawing('rect', { x: 0, y: 8, width: low * width, height: 10, class: 'authentic' }),
        drawing('rect', { x: low * width, y: 8, width: (high - low) * width, height: 10, class: 'uncertain' }),
        drawing('rect', { x: high * width, y: 8, width: (1 - high) * width, height: 10, class: 'manipulated' }),
        drawing('rect', { x: Math.min(width - 4, Math.max(0, score * width - 2)), y: 1, width: 4, height: 24, class: 'needle' }),
    );
    return element(
        'div',
        { className: 'score' },
        element(
            'p',
            { className: `verdict ${verdict.toLowerCase()}` },
            texts.verdict[verdict],
            element('span', { className: 'number' }, rounded(score, 3)),
        ),
        scale as unknown as HTMLElement,
        ...sentences.map((sentence) => element('p', {}, sentence)),
    );
}
