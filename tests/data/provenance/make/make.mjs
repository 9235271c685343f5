// Signs the pictures of the folder above by c2pa-rs (compiled to WebAssembly, as @contentauth/c2pa-wasm ships it), which makes store, claim, assertions and hashes; the
// COSE_Sign1 around the claim, which it leaves to its caller, is made here by Node's own cryptography. Each file is then read back and judged by c2pa-rs: see make.sh.
import fs from 'node:fs'; import crypto from 'node:crypto'; import { execFileSync } from 'node:child_process';
import init, { WasmBuilder, WasmReader } from '@contentauth/c2pa-wasm';

// CBOR, as much as a signature needs.
const cat = (...a) => Buffer.concat(a.map(x => Buffer.from(x)));
function head(major, n) {
  if (n < 24) return Buffer.from([major << 5 | n]);
  if (n < 256) return Buffer.from([major << 5 | 24, n]);
  if (n < 65536) return Buffer.from([major << 5 | 25, n >> 8, n & 255]);
  return Buffer.from([major << 5 | 26, n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255]);
}
const bstr = b => cat(head(2, b.length), b);
const tstr = s => { const b = Buffer.from(s); return cat(head(3, b.length), b); };
const int = n => n < 0 ? head(1, -1 - n) : head(0, n);
const arr = (...x) => cat(head(4, x.length), ...x);
const map = (...kv) => cat(head(5, kv.length), ...kv.flat());

// What c2pa-rs wants of a browser.
globalThis.FileReaderSync = class { readAsArrayBuffer(blob) { if (blob.whole) { const b = blob.whole; return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); } throw new Error('no bytes'); } };
class Held extends Blob { constructor(bytes, type) { super([bytes], { type }); this.whole = bytes; } slice(a, b, t) { return new Held(this.whole.subarray(a, b), t); } }
await init({ module_or_path: fs.readFileSync('node_modules/@contentauth/c2pa-wasm/pkg/c2pa_bg.wasm') });
const pemDer = f => Buffer.from(fs.readFileSync(f, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');
const COSE = { es256: -7, es384: -35, es512: -36, ps256: -37, ed25519: -8 };
function cose(alg, claim, size, stamp) {
  const key = crypto.createPrivateKey(fs.readFileSync(`work/${alg}.key`));
  const prot = map([int(1), int(COSE[alg])], [int(33), arr(bstr(pemDer(`work/${alg}.pem`)), bstr(pemDer('work/inter.pem')))]);
  const tbs = arr(tstr('Signature1'), bstr(prot), bstr(Buffer.alloc(0)), bstr(claim));
  const hash = { es256: 'sha256', es384: 'sha384', es512: 'sha512', ps256: 'sha256', ed25519: null }[alg];
  const sig = crypto.sign(hash, tbs, alg[0] === 'e' && alg !== 'ed25519' ? { key, dsaEncoding: 'ieee-p1363' } : alg === 'ps256' ? { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : key);
  const unprot = [];
  if (stamp) {
    const data = arr(tstr('CounterSignature'), bstr(prot), bstr(Buffer.alloc(0)), bstr(stamp === 2 ? bstr(sig) : claim));
    fs.writeFileSync('work/ts.data', data);
    execFileSync('openssl', ['ts', '-query', '-data', 'work/ts.data', '-sha256', '-cert', '-out', 'work/ts.tsq'], { stdio: 'ignore' });
    execFileSync('openssl', ['ts', '-reply', '-config', 'ts.cnf', '-queryfile', 'work/ts.tsq', '-signer', 'work/tsa.pem', '-inkey', 'work/tsa.key', '-chain', 'work/root.pem', '-out', 'work/ts.tsr', ...(stamp === 2 ? ['-token_out'] : [])], { stdio: 'ignore' });
    unprot.push([tstr(stamp === 2 ? 'sigTst2' : 'sigTst'), map([tstr('tstTokens'), arr(map([tstr('val'), bstr(fs.readFileSync('work/ts.tsr'))]))])]);
  }
  const make = pad => cat([0xd2], arr(bstr(prot), map(...unprot, ...(pad === null ? [] : [[tstr('pad'), bstr(Buffer.alloc(pad))]])), [0xf6], bstr(sig)));
  for (let pad = size; pad >= 0; pad--) { const m = make(pad); if (m.length === size) return m; }
  throw new Error('reserve too small: ' + make(0).length);
}
const trust = { trust: { user_anchors: fs.readFileSync('work/root.pem', 'utf8') }, verify: { verify_trust: true, ocsp_fetch: false, remote_manifest_fetch: false } };
const reserve = 8192;
async function sign(source, mime, alg, definition, { stamp, intent } = {}) {
  const b = WasmBuilder.fromJson(JSON.stringify(definition), JSON.stringify({ builder: { thumbnail: { enabled: false } } }));
  if (intent) b.setIntent(intent);
  const out = await b.sign({ alg, reserveSize: definition.reserve ?? reserve, sign: async bytes => cose(alg, Buffer.from(bytes), definition.reserve ?? reserve, stamp) }, [], mime, new Held(new Uint8Array(fs.readFileSync(source)), mime));
  return Buffer.from(out);
}
async function read(file, mime) {
  const r = await WasmReader.fromBytes(mime, new Uint8Array(fs.readFileSync(file)), JSON.stringify(trust));
  return JSON.parse(r.json());
}

const AI = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia', CAMERA = 'http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture';
const created = source => ({ label: 'c2pa.actions', data: { actions: [{ action: 'c2pa.created', digitalSourceType: source }] } });
const base = (mime, extra = {}) => ({ claim_generator_info: [{ name: 'loupe-grpc tests', version: '1.0' }], title: 'Coffee', format: mime, assertions: [created(AI)], ...extra });
const J = 'image/jpeg', P = 'image/png', W = 'image/webp';
const jobs = [
  ['es256.jpg', 'work/plain.jpg', J, 'es256', base(J)],
  ['es384.png', 'work/plain.png', P, 'es384', base(P, { assertions: [created(CAMERA)] })],
  ['es512.webp', 'work/plain.webp', W, 'es512', base(W)],
  ['ps256.webp', 'work/plain.webp', W, 'ps256', base(W, { reserve: 3500 })],
  ['ed25519.png', 'work/plain.png', P, 'ed25519', base(P)],
  ['stamped.jpg', 'work/plain.jpg', J, 'es256', base(J, { reserve: 6000 }), { stamp: 2 }],
  ['stamped-v1.jpg', 'work/plain.jpg', J, 'es256', base(J, { reserve: 6000, claim_version: 1, assertions: [{ label: 'c2pa.actions', data: { actions: [{ action: 'c2pa.created' }] } }] }), { stamp: 1 }],
  ['many-segments.jpg', 'work/plain.jpg', J, 'es256', base(J, { reserve: 68000 })],
  ['edited.jpg', '../es256.jpg', J, 'es384', { claim_generator_info: [{ name: 'loupe-grpc editor', version: '2.0' }], title: 'Coffee, edited', format: J, assertions: [] }, { intent: 'edit' }],
  ['updated.jpg', '../es256.jpg', J, 'es384', { claim_generator_info: [{ name: 'loupe-grpc editor', version: '2.0' }], title: 'Coffee, updated', format: J, assertions: [] }, { intent: 'update' }],
];
for (const [name, source, mime, alg, def, options] of jobs) {
  if (process.argv[2] && !name.includes(process.argv[2])) continue;
  try {
    def.reserve ??= 2600;
    fs.writeFileSync('../' + name, await sign(source, mime, alg, def, options));
    const r = await read('../' + name, mime), v = r.validation_results.activeManifest;
    console.log(name, fs.statSync('../' + name).size, r.validation_state, 'claim v' + r.manifests[r.active_manifest].claim_version, Object.keys(r.manifests).length, 'failures:', v.failure.map(f => f.code).join());
  } catch (e) { console.log(name, 'FAILED', e); }
}
