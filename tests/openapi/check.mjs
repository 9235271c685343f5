// The answers of a real server are what its OpenAPI document says they are. Usage: node check.mjs URL FOLDER-OF-SAMPLES
import { Ajv2020 } from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [url, samples] = process.argv.slice(2);
const document = await (await fetch(`${url}/openapi.json`)).json();
const ajv = new Ajv2020({ strict: false, allErrors: true });
// Of OpenAPI's own, which say how wide a number is.
for (const format of ['uint64', 'uint32', 'int32', 'int64', 'float', 'double', 'date-time', 'binary', 'byte', 'uri']) {
    ajv.addFormat(format, true);
}
ajv.addSchema(document, 'api');
let passed = 0;

function holds(path, method, answer, text) {
    const status = String(answer.status);
    const described = document.paths[path][method].responses[status];
    assert.ok(described, `${method} ${path} answers ${status}, which the document does not know`);
    const type = answer.headers.get('content-type').split(';')[0];
    assert.ok(described.content[type], `${method} ${path} answers ${type}, which the document does not know`);
    const pointer = ['paths', path, method, 'responses', status, 'content', type, 'schema'].map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = ajv.getSchema(`api#/${pointer.join('/')}`);
    assert.ok(validate(type.endsWith('json') ? JSON.parse(text) : text), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${text}`);
    passed++;
}

async function ask(path, query, init) {
    const answer = await fetch(`${url}${path}${query}`, init);
    holds(path, init.method.toLowerCase(), answer, await answer.text());
    return answer.status;
}

const forged = readFileSync(join(samples, 'forged-cat-in-coffee.jpg'));
const form = new FormData();
form.append('file', new Blob([forged]), 'one.jpg');
form.append('file', new Blob([Buffer.from('no picture')]), 'two.jpg');
const type = { 'content-type': 'image/jpeg' };
assert.equal(await ask('/v1/info', '', { method: 'GET' }), 200);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: forged, headers: type }), 200);
assert.equal(await ask('/v1/analyze', '?mask=always&thresholds=0.4,0.6', { method: 'POST', body: forged, headers: type }), 200);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: form }), 200);
assert.equal(await ask('/v1/analyze', '?model=default', { method: 'POST', body: forged, headers: type }), 200);
assert.equal(await ask('/v1/analyze', '?model=huge', { method: 'POST', body: forged, headers: type }), 400);
assert.equal(await ask('/v1/analyze', '?mask=maybe', { method: 'POST', body: forged, headers: type }), 400);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: 'text', headers: { 'content-type': 'text/plain' } }), 415);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: forged, headers: { ...type, accept: 'image/webp' } }), 406);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: Buffer.alloc(34 << 20), headers: type }), 413);

assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: forged, headers: { ...type, accept: 'image/png' } }), 200);
assert.equal(await ask('/v1/analyze', '?explain=en', { method: 'POST', body: form, headers: { accept: 'text/html' } }), 200);
assert.equal(await ask('/v1/analyze', '', { method: 'POST', body: form, headers: { accept: 'image/png' } }), 406);

// The examples are some, too.
for (const { example, schema } of Object.values(document.paths['/v1/analyze'].post.responses['200'].content)) {
    assert.ok(ajv.compile({ ...schema, components: document.components })(example));
    passed++;
}
console.log(`openapi: ${passed + 1} passed`);
