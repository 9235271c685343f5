// deploy/envoy: held against Envoy's own definitions, field by field, as gRPC's package for xDS brings them. No Envoy is run.
// Usage: node envoy.mjs   (needs npm's packages of this folder)
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { parse } from 'yaml';

const here = import.meta.dirname;
const file = join(here, '..', '..', 'deploy', 'envoy', 'loupe.yaml');
const definitions = join(here, 'node_modules', '@grpc', 'grpc-js-xds', 'deps');
const roots = [...readdirSync(definitions).map((name) => join(definitions, name)), join(here, 'node_modules', 'protobufjs')];

const any = 'google.protobuf.Any';
const durations = 'google.protobuf.Duration';
const wrapped = /^\.?google\.protobuf\.(U?Int(32|64)|Bool|Double|Float|String)Value$/;

const types = new protobuf.Root();
types.resolvePath = (_, path) => (protobuf.common.get(path) ? path : (roots.map((root) => join(root, path)).find(existsSync) ?? path));

/** Envoy loads an extension by its type; so does this. */
function typeOf(url) {
    const name = url.replace('type.googleapis.com/', '');
    const path = name.replaceAll('.', '/').replace(/\/[^/]+$/, '');
    const folder = roots.map((root) => join(root, path)).find(existsSync);
    assert.ok(folder, `${name}: there is no such package`);
    for (const proto of readdirSync(folder)) {
        types.loadSync(join(path, proto));
    }

    return types.lookupType(name);
}

/** What Envoy refuses at its start: fields that do not exist, values of another kind, two of a oneof. */
function check(type, value, at) {
    assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${at} is a ${type.name}`);
    const chosen = new Map();
    for (const [name, inner] of Object.entries(value)) {
        if (name === '@type') {
            continue;
        }

        const field = type.fields[protobuf.util.camelCase(name)] ?? type.fields[name];
        assert.ok(field, `${at}.${name}: ${type.name} has no such field`);
        assert.ok(!field.getOption('deprecated'), `${at}.${name} is deprecated`);
        field.resolve();
        if (field.partOf) {
            assert.ok(!chosen.has(field.partOf.name), `${at}: ${name} beside ${chosen.get(field.partOf.name)}`);
            chosen.set(field.partOf.name, name);
        }

        if (field.map) {
            Object.entries(inner).forEach(([key, one]) => checkValue(field, one, `${at}.${name}[${key}]`));
        } else if (field.repeated) {
            assert.ok(Array.isArray(inner), `${at}.${name} is a list`);
            inner.forEach((one, index) => checkValue(field, one, `${at}.${name}[${index}]`));
        } else {
            checkValue(field, inner, `${at}.${name}`);
        }
    }
}

function checkValue(field, value, at) {
    const type = field.resolvedType;
    const name = type?.fullName.replace(/^\./, '') ?? field.type;
    if (name === any) {
        check(typeOf(value['@type']), value, at);
    } else if (name === durations) {
        assert.match(value, /^\d+(\.\d+)?s$/, `${at} is a time in seconds`);
    } else if (type instanceof protobuf.Enum) {
        assert.ok(value in type.values, `${at}: ${name} has no ${value}`);
    } else if (type && !wrapped.test(name)) {
        check(type, value, at);
    } else {
        const kind = /string|String|bytes/.test(name) ? 'string' : /bool|Bool/.test(name) ? 'boolean' : 'number';
        assert.equal(typeof value, kind, `${at} is a ${kind}`);
    }
}

const bootstrap = () => typeOf('envoy.config.bootstrap.v3.Bootstrap');
const read = () => parse(readFileSync(file, 'utf8'));
const config = read();
check(bootstrap(), config, 'loupe.yaml');

// It must be able to tell.
for (const [what, spoil] of [
    ['has no such field', ({ static_resources: { clusters: [cluster] } }) => { cluster.lb_polizy = 'RING_HASH'; }],
    ['has no RING', ({ static_resources: { clusters: [cluster] } }) => { cluster.lb_policy = 'RING'; }],
    ['is a time', ({ static_resources: { clusters: [cluster] } }) => { cluster.connect_timeout = 2; }],
    ['has no such field', ({ static_resources: { listeners: [listener] } }) => { listener.filter_chains[0].filters[0].typed_config.stream_timeout = '1s'; }],
    ['there is no such package', ({ static_resources: { listeners: [listener] } }) => { listener.filter_chains[0].filters[0].typed_config['@type'] = 'type.googleapis.com/envoy.none.v3.None'; }],
]) {
    const spoilt = read();
    spoil(spoilt);
    assert.throws(() => check(bootstrap(), spoilt, 'loupe.yaml'), new RegExp(what));
}

// What names a cluster names one that is there, and what sessions stick by is what clients send.
const { clusters, listeners: [listener] } = config.static_resources;
const routes = listener.filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
assert.deepEqual([...new Set(routes.map(({ route }) => route.cluster))].sort(), clusters.map(({ name }) => name).sort());
clusters.forEach(({ name, load_assignment: { cluster_name } }) => assert.equal(cluster_name, name));
const sticky = routes.find(({ route }) => route.cluster === 'loupe_grpc').route;
assert.equal(sticky.hash_policy[0].header.header_name, 'loupe-session');
assert.equal(sticky.timeout, '0s');
assert.equal(clusters.find(({ name }) => name === 'loupe_grpc').lb_policy, 'RING_HASH');
console.log("envoy: deploy/envoy/loupe.yaml is what Envoy's own definitions let it be; no Envoy was run");
