// dist/esm, dist/cjs and, for the tests alone, dist/test. A module's kind is that of the nearest package.json: the sources are compiled once under each.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';

const options = ['--noEmit', 'false'];
const tsc = (...more) => execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...more], { stdio: 'inherit' });
rmSync('dist', { recursive: true, force: true });
rmSync('build', { recursive: true, force: true });
for (const [kind, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
]) {
    mkdirSync(`build/${kind}`, { recursive: true });
    writeFileSync(`build/${kind}/package.json`, JSON.stringify({ type }));
    cpSync('src', `build/${kind}/src`, { recursive: true });
    writeFileSync(`build/${kind}/tsconfig.json`, JSON.stringify({ extends: '../../tsconfig.json', include: ['src'] }));
    tsc('-p', `build/${kind}`, ...options, '--rootDir', `build/${kind}/src`, '--outDir', `dist/${kind}`);
    writeFileSync(`dist/${kind}/package.json`, JSON.stringify({ type }));
}
rmSync('build', { recursive: true, force: true });
// These use the package as its users do, by its name.
tsc('-p', 'test', ...options, '--declaration', 'false', '--rootDir', 'test', '--outDir', 'dist/test');
