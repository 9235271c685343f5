// deploy/kubernetes: made by kustomize, held against Kubernetes' own schemas and against itself, and what it says to a server tried with a real one.
// Usage: node kubernetes.mjs   (needs kubectl with kustomize 5, openssl, redis-server, npm's packages of this folder; `./build.sh` first)
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseAllDocuments } from 'yaml';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const folder = join(root, 'deploy', 'kubernetes');
const serverProgram = join(root, 'out', 'loupe-grpc-server');
const clientProgram = join(root, 'out', 'loupe-grpc-client');
const overlays = readdirSync(join(folder, 'overlays'));

// Secrets that whoever deploys makes, and what is in them.
const secrets = { 'loupe-grpc-keys': ['keys.json'], 'loupe-grpc-tls': ['tls.crt', 'tls.key'], 'loupe-grpc-store': ['Loupe__Sessions__Store'] };

function kustomize(path) {
    const text = execFileSync('kubectl', ['kustomize', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return parseAllDocuments(text).map((document) => {
        assert.deepEqual(document.errors, [], path);
        return document.toJS();
    });
}

const moduleOf = ({ apiVersion }) => `kubernetes-models/${apiVersion}`;

/** Required fields, types and formats. */
async function validate(object) {
    const { [object.kind]: Model } = await import(moduleOf(object));
    assert.ok(Model, `${object.apiVersion} has no ${object.kind}`);
    new Model(object).validate();
}

/** What the schemas let pass, and Kubernetes drops or refuses: fields that do not exist. The compiler of the types that were made of the schemas knows them. */
function checkFields(objects, work) {
    const source = join(work, 'objects.ts');
    const text = objects.map(({ from, object }, at) => `// ${from}\nexport const object${at}: import('${moduleOf(object)}').I${object.kind} = ${JSON.stringify(object, null, 1)};\n`);
    // It must be able to tell.
    text.push("// @ts-expect-error\nexport const misspelt: import('kubernetes-models/apps/v1').IDeployment = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector: {}, template: { spec: { containers: [{ name: 'a', livenesProbe: {} }] } } } };\n");
    writeFileSync(source, text.join(''));
    symlinkSync(join(here, 'node_modules'), join(work, 'node_modules'));
    try {
        execFileSync(process.execPath, [join(here, 'node_modules', 'typescript', 'bin', 'tsc'),
            '--noEmit', '--strict', '--skipLibCheck', '--preserveSymlinks', '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', source], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
        assert.fail(`${error.stdout}\n${[...error.stdout.matchAll(/objects\.ts\((\d+),/g)].map(([, line]) => text.join('').split('\n')[line - 1]).join('\n')}`);
    }
}

/** That what names something else names something that is there. */
function checkReferences(objects) {
    const all = (kind) => objects.filter((object) => object.kind === kind);
    const names = (kind) => all(kind).map((object) => object.metadata.name);
    const [deployment, ...others] = all('Deployment');
    assert.equal(others.length, 0);
    const { metadata, spec: pod } = deployment.spec.template;
    const [container, ...more] = pod.containers;
    assert.equal(more.length, 0);
    const selects = (labels) => Object.keys(labels ?? {}).length > 0 && Object.entries(labels).every(([name, value]) => metadata.labels[name] === value);
    assert.ok(selects(deployment.spec.selector.matchLabels));
    for (const service of all('Service')) {
        assert.ok(selects(service.spec.selector), service.metadata.name);
        for (const port of service.spec.ports) {
            assert.equal(container.ports.find(({ name }) => name === port.targetPort)?.containerPort, port.port);
        }
    }
    for (const object of [...all('PodDisruptionBudget'), ...all('NetworkPolicy')]) {
        // An empty one would be everybody else's pods as well.
        assert.ok(selects((object.spec.selector ?? object.spec.podSelector).matchLabels), object.kind);
    }
    const ports = container.ports.map(({ name }) => name);
    for (const rule of all('NetworkPolicy').flatMap(({ spec }) => spec.ingress)) {
        assert.ok(rule.ports.every(({ port }) => ports.includes(port)));
    }
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
        assert.ok(ports.includes(container[probe].httpGet.port), probe);
    }
    for (const { configMapRef, secretRef } of container.envFrom) {
        assert.ok(configMapRef ? names('ConfigMap').includes(configMapRef.name) : secrets[secretRef.name]);
    }
    assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), pod.volumes.map(({ name }) => name).sort());
    for (const volume of pod.volumes) {
        assert.ok(volume.secret ? secrets[volume.secret.secretName] : names('PersistentVolumeClaim').includes(volume.persistentVolumeClaim.claimName), volume.name);
    }
    for (const scaler of all('HorizontalPodAutoscaler')) {
        assert.equal(scaler.spec.scaleTargetRef.name, deployment.metadata.name);
        // Both would set it in turn.
        assert.equal(deployment.spec.replicas, undefined);
    }
    const drain = /^(\d+)s$/.exec(settingsOf(objects).Loupe__Shutdown__DrainTimeout);
    assert.ok(pod.terminationGracePeriodSeconds >= container.lifecycle.preStop.sleep.seconds + Number(drain[1]) + 10, 'the drain would be cut off');
    return { pod, container };
}

function settingsOf(objects) {
    return Object.assign({}, ...objects.filter(({ kind }) => kind === 'ConfigMap').map(({ data }) => data));
}

/** As Kubernetes lays a secret out: links to a folder that is replaced at once. */
function writeSecret(folder, files) {
    const data = `..${Date.now()}${Math.random()}`;
    mkdirSync(join(folder, data), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(folder, data, name), content);
        chmodSync(join(folder, data, name), 0o440);
    }
    const isNew = !readdirSync(folder).includes('..data');
    symlinkSync(data, join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
    for (const name of isNew ? Object.keys(files) : []) {
        symlinkSync(join('..data', name), join(folder, name));
    }
}

function run(program, ...args) {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 30000 });
}

function addKey(file, name, role) {
    return /key: (\S+)/.exec(run(serverProgram, 'key', 'add', '--file', file, '--name', name, '--role', role))[1];
}

function get(url, headers = {}) {
    return new Promise((resolve, reject) => {
        request(url, { headers, rejectUnauthorized: false }, (response) => {
            let text = '';
            response.on('data', (part) => (text += part)).on('end', () => resolve({ status: response.statusCode, text }));
        }).on('error', reject).end();
    });
}

/** Outside the range from which the system gives ports to whoever asks for any: another test would take it in between. */
function freePort() {
    return new Promise((resolve) => {
        const port = 12_000 + Math.floor(Math.random() * 18_000);
        const listener = createServer()
            .on('error', () => resolve(freePort()))
            .listen(port, '127.0.0.1', () => listener.close(() => resolve(port)));
    });
}

/** A server with the environment and the files of a pod, but for its ports, its image and its user, and what each probe hears of it. */
async function checkServer(overlay, objects, { pod, container }, work) {
    const secret = {
        'keys.json': undefined,
        'tls.crt': readFileSync(join(work, 'tls.crt')),
        'tls.key': readFileSync(join(work, 'tls.key')),
    };
    const keyFile = join(work, `${overlay}.keys.json`);
    const observe = addKey(keyFile, 'prometheus', 'observe');
    const before = readFileSync(keyFile);
    const analyse = addKey(keyFile, 'gate-3', 'analyse');
    secret['keys.json'] = readFileSync(keyFile);

    const place = join(work, overlay);
    for (const mount of container.volumeMounts) {
        const volume = pod.volumes.find(({ name }) => name === mount.name);
        mkdirSync(join(place, mount.mountPath), { recursive: true });
        if (volume.secret) {
            writeSecret(join(place, mount.mountPath), Object.fromEntries(secrets[volume.secret.secretName].map((name) => [name, secret[name]])));
        }
    }
    const environment = { ...process.env, ...settingsOf(objects) };
    let redis;
    if (container.envFrom.some(({ secretRef }) => secretRef?.name === 'loupe-grpc-store')) {
        const port = await freePort();
        redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', work], { stdio: 'ignore' });
        environment.Loupe__Sessions__Store = `redis://127.0.0.1:${port}`;
    }
    for (const [name, value] of Object.entries(settingsOf(objects))) {
        if (value.startsWith('/')) {
            assert.ok(container.volumeMounts.some(({ mountPath }) => value.startsWith(mountPath)), `${name} is on no volume`);
            environment[name] = join(place, value);
        } else if (/^https:\/\/\*:\d+$/.test(value)) {
            assert.ok(container.ports.some(({ containerPort }) => value.endsWith(`:${containerPort}`)), `${name} is no port of the container`);
            environment[name] = 'https://127.0.0.1:0';
        }
    }
    const server = spawn(serverProgram, ['serve'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => server.on('exit', (code) => resolve(code)));
    const log = [];
    createInterface({ input: server.stderr }).on('line', (line) => log.push(line));
    try {
        const ready = await Promise.race([new Promise((resolve) => createInterface({ input: server.stdout }).once('line', resolve)), ended.then(() => '')]);
        assert.match(ready, /^ready /, log.join('\n'));
        const [, grpc] = ready.split(' ');
        const operations = /operations=(\S+)/.exec(ready)[1];
        for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
            const { path, scheme } = container[probe].httpGet;
            assert.equal(`${scheme.toLowerCase()}:`, new URL(operations).protocol, probe);
            const answer = await get(`${operations}${path}`);
            assert.equal(answer.status, 200, probe);
            assert.doesNotMatch(answer.text, /degraded/i);
        }
        run(serverProgram, 'health', '--server', operations);
        assert.equal((await get(`${operations}/metrics`)).status, 401);
        const { text: metrics } = await get(`${operations}/metrics`, { authorization: `Bearer ${observe}` });
        for (const { pods } of objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').flatMap(({ spec }) => spec.metrics)) {
            assert.ok(new RegExp(`^${pods.metric.name}(\\{\\S*)? 0$`, 'm').test(metrics), `the server has no ${pods.metric.name}`);
        }
        const info = () => run(clientProgram, 'info', '--server', grpc, '--ca', join(work, 'ca.pem'), '--key', analyse, '--json');
        JSON.parse(info());
        const lines = log.map((line) => JSON.parse(line));
        // But for the one that says what the embedded model is for.
        assert.deepEqual(lines.filter(({ level, message }) => level !== 'Information' && !/is a demonstration model/.test(message)), []);

        // A key that was taken out of the secret counts no more.
        writeSecret(join(place, container.volumeMounts.find(({ name }) => name === 'keys').mountPath), { 'keys.json': before });
        const begin = Date.now();
        for (;;) {
            try {
                info();
            } catch (error) {
                assert.equal(error.status, 77, error.stderr);
                break;
            }
            assert.ok(Date.now() - begin < 20000, 'the key is still good');
        }
        server.kill('SIGTERM');
        assert.equal(await ended, 0);
    } finally {
        server.kill('SIGKILL');
        redis?.kill();
    }
}

const work = mkdtempSync(join(tmpdir(), 'loupe-kubernetes-'));
try {
    const made = new Map(overlays.map((name) => [name, kustomize(join(folder, 'overlays', name))]));
    made.set('base', kustomize(join(folder, 'base')));
    const objects = [...made].flatMap(([from, list]) => list.map((object) => ({ from, object })));
    for (const { object } of objects) {
        await validate(object);
    }
    await assert.rejects(validate({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: {} } }), /selector/);
    checkFields(objects, work);
    const pods = new Map([...made].map(([name, list]) => [name, checkReferences(list)]));

    const authority = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    run('openssl', 'req', '-x509', ...authority, '-subj', '/CN=test authority', '-keyout', join(work, 'ca.key'), '-out', join(work, 'ca.pem'));
    run('openssl', 'req', '-x509', ...authority, '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE',
        '-CA', join(work, 'ca.pem'), '-CAkey', join(work, 'ca.key'), '-keyout', join(work, 'tls.key'), '-out', join(work, 'tls.crt'));
    // Beside each other: most of it is waiting for files to be looked at.
    const checks = await Promise.allSettled(overlays.map((name) => checkServer(name, made.get(name), pods.get(name), work)));
    for (const { reason } of checks) {
        // After all have ended their servers.
        if (reason) {
            throw reason;
        }
    }
    console.log(`kubernetes: ${[...made.keys()].join(', ')}: ${objects.length} objects, and a server of each overlay`);
} finally {
    rmSync(work, { recursive: true, force: true });
}
