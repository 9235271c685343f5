import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MaskEncoding, MaskPolicy, TilePolicy } from './gen/loupe/v1/result_pb';
import { AnalyzeImageRequestSchema, AnalyzeImageResponseSchema } from './gen/loupe/v1/service_pb';
import { ask, headers } from './key';

export type VerdictName = 'AUTHENTIC' | 'UNCERTAIN' | 'MANIPULATED';

/** A picture's result as `POST /v1/analyze` answers it; fields that are shown. */
export interface Result {
    outcome: string;
    score?: number;
    verdict?: VerdictName;
    width?: number;
    height?: number;
    orientation?: number;
    mask?: { size: [number, number]; counts: string };
    regions?: { box: [number, number, number, number]; area: number }[];
    explanation?: { code: string; text: string }[];
    notes?: { code: string; message: string }[];
    sha256?: string;
    provider?: string;
    timings_ms?: Record<string, number>;
    /** What was found, signed. */
    receipt?: unknown;
}

export interface Info {
    model: { name: string; version: string; hash: string; demonstration: boolean };
    provider: string;
    precision: string;
    default_thresholds: { low: number; high: number };
    /** Of a server that signs receipts. */
    receipt_key?: { key_id: string };
}

/** How the server does, as `GET /v1/operations` answers it. */
export interface Operations {
    server: string;
    ready: boolean;
    ready_since?: string;
    time: string;
    models: {
        name: string;
        model: string;
        state: string;
        sessions: number;
        rungs: { provider: string; state: string; reason: string; precision: string; device: string; building_s?: number; sessions: number }[];
    }[];
    queue: { oldest_wait_s: number; waiting: number; inside: number };
    memory: { kind: string; held: number; limit: number }[];
    open_sessions: number;
    sessions: OpenSession[];
}

export interface OpenSession {
    id: string;
    name: string;
    owner: string;
    client: string;
    model: string;
    provider: string;
    precision: string;
    adapts: boolean;
    opened: string;
    parked_since?: string;
    frames: number;
    in_flight: number;
    results: number;
    dropped: number;
    expired: number;
    failed: number;
}

/** What the server said against it, in its own words. */
export class Refused extends Error {
    constructor(
        message: string,
        readonly status: number,
    ) {
        super(message);
    }
}

/** Asks the server; where it wants a key, the person is asked for one, as often as needed. */
async function request(path: string, init: RequestInit): Promise<Response> {
    for (;;) {
        const answer = await fetch(path, { ...init, headers: { ...(init.headers as Record<string, string> | undefined), ...headers() } });
        if (answer.ok) {
            return answer;
        }
        const reason = await detailOf(answer);
        if (answer.status !== 401) {
            throw new Refused(reason, answer.status);
        }
        await ask(reason);
    }
}

async function detailOf(answer: Response): Promise<string> {
    try {
        return ((await answer.json()) as { detail?: string }).detail ?? answer.statusText;
    } catch {
        return `${answer.status} ${answer.statusText}`;
    }
}

export async function operations(): Promise<Operations> {
    return (await (await request('/v1/operations', {})).json()) as Operations;
}

export async function info(): Promise<Info> {
    return (await (await request('/v1/info', {})).json()) as Info;
}

/** One picture, as it is, in tiles where it is large, explained in a language, and with a receipt if wanted. The JSON of its result, as it came and read. */
export async function analyze(picture: Blob, language: string, receipt: boolean): Promise<{ text: string; result: Result }> {
    const answer = await request(`/v1/analyze?tiles=auto&explain=${language}${receipt ? '&receipt=true' : ''}`, {
        method: 'POST',
        body: picture,
        headers: { 'content-type': 'application/octet-stream' },
    });
    const text = await answer.text();
    return { text, result: JSON.parse(text) as Result };
}

/** Between 0 and 255 for each pixel how much it counts as manipulated, as a PNG. */
export async function heatOf(picture: Blob): Promise<Blob> {
    const message = toBinary(
        AnalyzeImageRequestSchema,
        create(AnalyzeImageRequestSchema, {
            image: { case: 'encoded', value: { data: new Uint8Array(await picture.arrayBuffer()) } },
            mask: { policy: MaskPolicy.ALWAYS, encoding: MaskEncoding.SOFT_PNG },
            tiles: { policy: TilePolicy.AUTO },
        }),
    );
    // gRPC-Web: a byte of flags and the length before each part; the last has the status.
    const body = new Uint8Array(message.length + 5);
    new DataView(body.buffer).setUint32(1, message.length);
    body.set(message, 5);
    const answer = await request('/loupe.v1.ForgeryAnalysisService/AnalyzeImage', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const length = bytes.length >= 5 ? new DataView(bytes.buffer).getUint32(1) : 0;
    if (bytes.length < 5 || (bytes[0] ?? 0) & 0x80) {
        throw new Refused(
            decodeURIComponent(answer.headers.get('grpc-message') ?? /grpc-message: *([^\r\n]*)/i.exec(new TextDecoder().decode(bytes))?.[1] ?? ''),
            answer.status,
        );
    }
    const mask = fromBinary(AnalyzeImageResponseSchema, bytes.subarray(5, 5 + length)).result?.mask;
    if (mask?.data.case !== 'softPng') {
        throw new Refused('', 0);
    }
    return new Blob([mask.data.value as Uint8Array<ArrayBuffer>], { type: 'image/png' });
}
