import { en, type Texts } from './texts/en';
import { zh } from './texts/zh';

export const languages: Record<string, Texts> = { en, zh };

const stored = localStorage.getItem('language');

/** What is shown now: what was chosen, else what the browser prefers. */
export const language = stored !== null && stored in languages ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en';

export const texts: Texts = languages[language] ?? en;

/** The whole page is in another language from now on. */
export function choose(other: string): void {
    localStorage.setItem('language', other);
    location.reload();
}

/** A text with what stands in its braces. */
export function fill(text: string, values: Record<string, string | number>): string {
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function rounded(value: number, digits = 2): string {
    return value.toFixed(digits);
}
