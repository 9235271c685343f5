// Writes src/gen of the package it is run in from the contract. Needs `protoc` on the path (Debian: protobuf-compiler, libprotobuf-dev).
// Usage: node generate.mjs [EXTENSION]   (of the files as they import each other, `none` for a bundler; default: js)
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = process.cwd();
const protos = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'protos');
const target = join(here, 'src', 'gen');
const files = readdirSync(join(protos, 'loupe', 'v1')).filter((name) => name.endsWith('.proto'));
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const plugin = `--plugin=protoc-gen-es=${join(here, 'node_modules', '.bin', 'protoc-gen-es')}`;
const options = [plugin, `--es_out=${target}`, `--es_opt=target=ts,import_extension=${process.argv[2] ?? 'js'}`];
execFileSync('protoc', ['-I', protos, '-I', '/usr/include', ...options, ...files.map((name) => `loupe/v1/${name}`)], { stdio: 'inherit' });
