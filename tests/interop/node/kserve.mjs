// KServe v2 by stubs that nobody of ours wrote. Usage: node kserve.mjs ADDRESS ROOT
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [address, root] = process.argv.slice(2);
const load = (file) => grpc.loadPackageDefinition(loadSync(file, { keepCase: true, includeDirs: [join(root, 'protos'), '/usr/include'] }));
const credentials = grpc.credentials.createInsecure();
const inference = new (load('inference/grpc_service.proto').inference.GRPCInferenceService)(address, credentials);
const loupe = new (load('loupe/v1/service.proto').loupe.v1.ForgeryAnalysisService)(address, credentials);
const call = (client, method) => promisify(client[method]).bind(client);
const infer = call(inference, 'ModelInfer');
const forged = readFileSync(join(root, 'samples', 'forged-cat-in-coffee.jpg'));
const authentic = readFileSync(join(root, 'samples', 'authentic-coffee.jpg'));
const image = (...pictures) => [{ name: 'image', datatype: 'BYTES', shape: [pictures.length], contents: { bytes_contents: pictures } }];
let passed = 0;

async function test(what, body) {
    await body();
    passed++;
}

await test('the answers are those of AnalyzeImage', async () => {
    const answer = await infer({ model_name: 'default', id: 'a', inputs: image(forged, authentic) });
    assert.equal(answer.id, 'a');
    const [score, verdict, mask, size] = answer.outputs;
    for (const [place, picture] of [forged, authentic].entries()) {
        const { result } = await call(loupe, 'AnalyzeImage')({ encoded: { data: picture } });
        assert.ok(Math.abs(score.contents.fp32_contents[place] - result.score) < 1e-6);
        assert.equal(mask.contents.bytes_contents[place].toString(), result.mask?.rle.counts ?? '');
        assert.deepEqual(size.contents.int64_contents.slice(2 * place, 2 * place + 2).map(Number), result.mask?.rle.size ?? [0, 0]);
    }
    assert.deepEqual(verdict.contents.bytes_contents.map(String), ['MANIPULATED', 'AUTHENTIC']);
});

await test('a stream with a sequence adapts', async () => {
    const stream = inference.ModelStreamInfer();
    const answers = [];
    stream.on('data', (answer) => answers.push(answer));
    const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
    for (const number of [0, 1, 2]) {
        const parameters = { sequence_id: { int64_param: 7 }, sequence_start: { bool_param: number === 0 }, sequence_end: { bool_param: number === 2 } };
        stream.write({ model_name: 'default', id: String(number), inputs: image(forged), parameters });
    }
    stream.end();
    await ended;
    assert.deepEqual(answers.map((answer) => [answer.infer_response.id, answer.error_message ?? '']), [['0', ''], ['1', ''], ['2', '']]);
    assert.ok(Number(answers[2].infer_response.parameters.adaptation_step.int64_param) > 0);
});

await test('what is wrong has its status', async () => {
    await assert.rejects(infer({ model_name: 'huge', inputs: image(forged) }), { code: grpc.status.NOT_FOUND });
    await assert.rejects(infer({ model_name: 'default', inputs: image(Buffer.from('no picture')) }), { code: grpc.status.INVALID_ARGUMENT });
    await assert.rejects(infer({ model_name: 'default', inputs: [] }), { code: grpc.status.INVALID_ARGUMENT });
});

await test('the server and its models are told', async () => {
    assert.equal((await call(inference, 'ServerReady')({})).ready, true);
    const metadata = await call(inference, 'ModelMetadata')({ name: 'default' });
    assert.deepEqual(metadata.outputs.map(({ name }) => name), ['score', 'verdict', 'mask', 'mask_size', 'soft_mask']);
    const { model_stats: [statistics] } = await call(inference, 'ModelStatistics')({});
    assert.equal(Number(statistics.inference_count), 5);
});

inference.close();
loupe.close();
console.log(`kserve-node: ${passed} passed`);
