import js from '@eslint/js';
import ts from 'typescript-eslint';

export default ts.config(
    { ignores: ['src/gen'] },
    js.configs.recommended,
    {
        files: ['**/*.ts'],
        extends: [...ts.configs.strictTypeChecked],
        languageOptions: { parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
        rules: {
            '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
            // Numbers in messages for people.
            '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
            '@typescript-eslint/no-floating-promises': [
                'error',
                { allowForKnownSafeCalls: [{ from: 'package', name: 'test', package: 'node:test' }] },
            ],
        },
    },
    {
        files: ['**/*.mjs'],
        languageOptions: {
            globals: {
                process: 'readonly',
                console: 'readonly',
                document: 'readonly',
                window: 'readonly',
                getComputedStyle: 'readonly',
                setTimeout: 'readonly',
                createImageBitmap: 'readonly',
                ImageBitmap: 'readonly',
                OffscreenCanvas: 'readonly',
                fetch: 'readonly',
                Buffer: 'readonly',
                URL: 'readonly',
                Blob: 'readonly',
                File: 'readonly',
                atob: 'readonly',
                DataTransfer: 'readonly',
                DragEvent: 'readonly',
                ClipboardEvent: 'readonly',
            },
        },
    },
);
