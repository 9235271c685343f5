import { element } from './dom';
import { texts } from './texts';

/** The key that the server asks for, as long as this tab is open. */
const NAME = 'loupe-key';

export function headers(): Record<string, string> {
    const key = sessionStorage.getItem(NAME);
    return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** A browser sends no headers with a WebSocket: the key is the name of a protocol there. */
export function protocols(): string[] {
    const key = sessionStorage.getItem(NAME);
    return key === null ? ['loupe.v1'] : ['loupe.v1', `loupe.key.${key}`];
}

let asking: Promise<void> | undefined;

/** Asks for a key, once for all who want it. */
export function ask(reason: string): Promise<void> {
    asking ??= new Promise<void>((resolve) => {
        const input = element('input', { type: 'password', required: true, autocomplete: 'off', id: 'key' });
        const dialog = element(
            'dialog',
            { attributes: { 'aria-labelledby': 'key-title' } },
            element(
                'form',
                { method: 'dialog' },
                element('h2', { id: 'key-title' }, texts.keyNeeded),
                element('p', {}, reason),
                element('label', { htmlFor: 'key' }, texts.keyLabel),
                input,
                element('button', {}, texts.keyUse),
            ),
        );
        dialog.addEventListener('cancel', (event) => event.preventDefault());
        dialog.addEventListener('close', () => {
            sessionStorage.setItem(NAME, input.value.trim());
            dialog.remove();
            asking = undefined;
            resolve();
        });
        document.body.append(dialog);
        dialog.showModal();
    });
    return asking;
}
