import { defineConfig } from 'vite';

// What is built is kept in the tree, where the server's own build takes it: nobody who builds the server needs Node.
export default defineConfig({
    build: {
        outDir: '../../src/LoupeGrpc.Server/page',
        emptyOutDir: true,
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        rolldownOptions: {
            output: { entryFileNames: 'assets/[name].js', chunkFileNames: 'assets/[name].js', assetFileNames: 'assets/[name][extname]' },
        },
    },
});
