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
let passed = 0;

/** What `#/…` points to, where a part of the document is such a pointer. */
const resolved = (part) => (part?.$ref ? part.$ref.slice(2).split('/').reduce((at, name) => at[name], document) : part);

function holds(path, method, answer, text) {
    const status = String(answer.status);
    const responses = document.paths[path][method].responses;
    const described = resolved(responses[status] ?? responses[`${status[0]}XX`]);
    assert.ok(described, `${method} ${path} answers ${status}, which the document does not know`);
    const type = answer.headers.get('content-type').split(';')[0];
    assert.ok(described.content[type], `${method} ${path} answers ${type}, which the document does not know`);
    const validate = ajv.compile({ ...described.content[type].schema, components: document.components });
    assert.ok(validate(type.endsWith('json') ? JSON.parse(text) : text), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${text}`);
    passed++;
}

async function ask(path, query, init, values = {}) {
    const answer = await fetch(`${url}${path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name])}${query}`, init);
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

assert.equal(await ask('/v1/operations', '', { method: 'GET' }), 200);

// The Open Inference Protocol: every path, and what a model that is not there is answered.
const index = await (await fetch(`${url}/v2/repository/index`, { method: 'POST' })).json();
const served = { name: index[0].name, version: index[0].version };
const inputs = [{ name: 'image', datatype: 'BYTES', shape: [1], data: [forged.toString('base64')] }];
for (const [path, item] of Object.entries(document.paths).filter(([path]) => path.startsWith('/v2'))) {
    for (const method of ['get', 'post'].filter((method) => item[method])) {
        const init = path.endsWith('/infer') ? { method, body: JSON.stringify({ id: '7', inputs }), headers: { 'content-type': 'application/json' } } : { method };
        assert.equal(await ask(path, '', { ...init, method: method.toUpperCase() }, served), 200);
        if (path.includes('{name}')) {
            assert.equal(await ask(path, '', { ...init, method: method.toUpperCase() }, { ...served, name: 'huge' }), 404);
        }
    }
}
const infer = document.paths['/v2/models/{name}/infer'].post;
for (const { value } of Object.values(infer.requestBody.content['application/json'].examples)) {
    assert.ok(ajv.compile({ ...infer.requestBody.content['application/json'].schema, components: document.components })(value));
    assert.equal(await ask('/v2/models/{name}/infer', '', { method: 'POST', body: JSON.stringify(value) }, served), 200);
}
assert.equal(await ask('/v2/models/{name}/infer', '', { method: 'POST', body: '{}' }, served), 400);
assert.equal(await ask('/v2/models/{name}/infer', '', { method: 'POST', body: JSON.stringify({ inputs, parameters: { binary_data_output: true } }) }, served), 200);

// The examples are some, too.
for (const operation of Object.values(document.paths).flatMap((item) => [item.get, item.post]).filter(Boolean)) {
    for (const answer of Object.values(operation.responses).map(resolved)) {
        for (const { example, schema } of Object.values(answer.content ?? {}).filter(({ example }) => example !== undefined)) {
            const validate = ajv.compile({ ...schema, components: document.components });
            assert.ok(validate(example), `${operation.operationId}: ${ajv.errorsText(validate.errors)}`);
            passed++;
        }
    }
}
console.log(`openapi: ${passed + 1} passed`);
