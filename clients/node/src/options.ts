import { create } from '@bufbuild/protobuf';
import { DurationSchema, type Duration } from '@bufbuild/protobuf/wkt';
import { type AdaptationGuard, AdaptationSettingsSchema } from './gen/loupe/v1/adaptation_pb.js';
import { FrameFormatSchema } from './gen/loupe/v1/frame_pb.js';
import {
    type Economy,
    MaskEncoding,
    MaskPolicy,
    MaskSettingsSchema,
    ThresholdsSchema,
    TilePolicy,
    TileSettingsSchema,
} from './gen/loupe/v1/result_pb.js';
import { DeliveryMode, DeliveryPolicySchema, OpenSessionSchema, TemporalSettingsSchema } from './gen/loupe/v1/session_pb.js';
import { toFormat, type FrameFormat } from './frames.js';

export { DeliveryMode, MaskEncoding, MaskPolicy, TilePolicy };

/** Where `loupe-grpc-server` listens unless told otherwise. */
export const DEFAULT_ADDRESS = 'http://127.0.0.1:5005';

/** How a client reaches its server. */
export interface ClientOptions {
    /** `http://HOST:PORT` (HTTP/2 without TLS), `https://HOST:PORT` or `unix:/path`. */
    readonly address?: string;
    /** With `https://`, PEM: whose certificates are trusted. Default: Node's. */
    readonly ca?: Buffer;
    /** The client's own certificate chain and key, PEM, where the server asks for one. */
    readonly certificate?: Buffer;
    readonly privateKey?: Buffer;
    /** Sent as `authorization: Bearer KEY`. */
    readonly key?: string;
    /** Further request headers of every call. */
    readonly headers?: Readonly<Record<string, string>>;
    /**
     * Asked before every call for headers of its own. OpenTelemetry's active context goes along by itself where `@opentelemetry/api` is installed.
     */
    readonly callHeaders?: () => Readonly<Record<string, string>>;
    /** Milliseconds for which connecting and opening a session are tried again while the server cannot be reached. 0 tries once. Default 10,000. */
    readonly connectTimeoutMs?: number;
    /** How often a call outside sessions is tried again after UNAVAILABLE. Default 3. */
    readonly unaryRetries?: number;
    /** Milliseconds between HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost. Default 20,000. */
    readonly keepAliveMs?: number;
    /** Bytes; bounds masks. 65,536 or more. Default 16 MiB. */
    readonly maxResponseBytes?: number;
    /** The program and version that the server logs. At most 128 characters. */
    readonly clientName?: string;
    /** Told what happens to sessions. Default: nobody. */
    readonly log?: (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Where a score becomes a verdict; each that is not given is the server's. */
export interface Thresholds {
    readonly low?: number | undefined;
    readonly high?: number | undefined;
}

/** When and how masks are returned. */
export interface Masks {
    /** Default: when the verdict is not authentic. */
    readonly policy?: MaskPolicy | undefined;
    /** Default: run lengths. */
    readonly encoding?: MaskEncoding | undefined;
    /** A longer mask is left out. Default: what fits the session's response limit. */
    readonly maxBytes?: number | undefined;
}

/** Whether picture files are looked at in tiles, their pixels as they are, and with `perFrame` raw frames too. */
export interface Tiles {
    /** Default: large ones, where the model was trained so. */
    readonly policy?: TilePolicy | undefined;
    /** The most tiles of a picture, each a run of the model. Default: the server's, 256 unless configured. */
    readonly maxTiles?: number | undefined;
    /** That the tiles of a picture may take on average. Default: as long as it takes. */
    readonly budgetMs?: number | undefined;
    /** In sessions that do not adapt: tiles of each frame; the next shows others, until all were shown. Default: each frame is looked at by itself. */
    readonly perFrame?: number | undefined;
    /** With `perFrame`: frames whose tiles a score is made of. Default: as many as show every tile once. */
    readonly window?: number | undefined;
}

/** How frames are judged together: a verdict that does not flicker, and segments in the summary. */
export interface OverTime {
    /** Frames older than it leave the window. Default: the server's, 1,000 unless configured. */
    readonly windowMs?: number | undefined;
    /** The most frames in the window. Default: the server's, 32 unless configured. */
    readonly maxFrames?: number | undefined;
    /** The least frames that a verdict needs. Default: the server's, 3 unless configured. */
    readonly minFrames?: number | undefined;
}

/** Which frames are answered when they come too fast. */
export interface Delivery {
    readonly mode: DeliveryMode;
    /** For STALENESS_BUDGET, where it is required. */
    readonly stalenessBudgetMs?: number | undefined;
}

/** How the session learns while frames pass; what is not given is the server's default. `AdaptationSettings` of the contract says which. */
export interface Adaptation {
    readonly learningRate?: number;
    readonly stepsPerFrame?: number;
    readonly minConfidence?: number;
    readonly everyNth?: number;
    readonly dualVerdictEveryNth?: number;
    readonly guard?: AdaptationGuard;
}

/** What a session asks for; what it was given is in its `grant`. */
export interface SessionOptions {
    /** The caller's own name of the session, for logs and lists; balancers hash it. At most 128 characters. */
    readonly name?: string | undefined;
    /** Which of the server's models analyses the frames: a name from `serverInfo()`'s `models`. Default: the server's first. */
    readonly model?: string | undefined;
    /** Format of raw frames that do not say their own. */
    readonly frameFormat?: FrameFormat | undefined;
    /** Default: every frame. */
    readonly delivery?: Delivery | undefined;
    readonly masks?: Masks | undefined;
    /** Default: pictures are looked at whole. */
    readonly tiles?: Tiles | undefined;
    /** Language of `Analysis.explanation`, `en` or `zh`. Default: none, results have no sentences. */
    readonly explain?: string | undefined;
    /** Have the server sign a receipt for each result, `Analysis.receipt`, and for the session's end, `receipt` of its summary. */
    readonly receipts?: boolean | undefined;
    /** Judge frames over time too: `Analysis.overTime`, and `segments` of the summary. Default: not. */
    readonly overTime?: OverTime | undefined;
    readonly thresholds?: Thresholds | undefined;
    /** Default: no adaptation. */
    readonly adaptation?: Adaptation | undefined;
    /** A state from `snapshotAdaptation`, of the same model. */
    readonly adaptationSnapshot?: Uint8Array | undefined;
    /** When the connection breaks the session goes on with another one: no frame lost, none answered twice. Default true; false: it ends with it. */
    readonly reconnect?: boolean | undefined;
    /** Ask for bit-for-bit repeatable results. */
    readonly deterministic?: boolean | undefined;
    /** What of its frames' work the session would rather go without than lose frames, while it loses some. */
    readonly economies?: readonly Economy[] | undefined;
    /** Outcomes come as they are ready. */
    readonly unordered?: boolean | undefined;
    /** Frames sent whose outcomes were not yet taken, 1 to 4,096; the server's credits may bound them further. Default 64. */
    readonly maxFramesInFlight?: number | undefined;
}

export function toThresholds({ low, high }: Thresholds) {
    return create(ThresholdsSchema, { low: low ?? 0, high: high ?? 0, defaultLow: low === undefined });
}

export function toMasks(masks: Masks) {
    return create(MaskSettingsSchema, {
        policy: masks.policy ?? MaskPolicy.UNSPECIFIED,
        encoding: masks.encoding ?? MaskEncoding.UNSPECIFIED,
        maxBytes: masks.maxBytes ?? 0,
    });
}

export function toTiles(tiles: Tiles) {
    return create(TileSettingsSchema, {
        policy: tiles.policy ?? TilePolicy.AUTO,
        maxTiles: tiles.maxTiles ?? 0,
        budgetMs: tiles.budgetMs ?? 0,
        tilesPerFrame: tiles.perFrame ?? 0,
        windowFrames: tiles.window ?? 0,
    });
}

export function toTemporal(overTime: OverTime) {
    return create(TemporalSettingsSchema, {
        enabled: true,
        ...(overTime.windowMs === undefined ? {} : { window: toDuration(overTime.windowMs) }),
        maxFrames: overTime.maxFrames ?? 0,
        minFrames: overTime.minFrames ?? 0,
    });
}

export function toAdaptation(adaptation: Adaptation) {
    return create(AdaptationSettingsSchema, { enabled: true, ...adaptation });
}

export function toOpening(options: SessionOptions, client: ClientOptions) {
    const name = options.name ?? '';
    if (name.length > 128) {
        throw new RangeError('name has more than 128 characters');
    }
    if (maxFramesInFlight(options) < 1 || maxFramesInFlight(options) > 4096) {
        throw new RangeError('maxFramesInFlight is 1 to 4,096');
    }
    const { frameFormat, delivery, masks, tiles, overTime, thresholds, adaptation } = options;
    return create(OpenSessionSchema, {
        sessionName: name,
        ...(frameFormat ? { frameFormat: create(FrameFormatSchema, toFormat(frameFormat)) } : {}),
        ...(delivery
            ? {
                  delivery: create(DeliveryPolicySchema, {
                      mode: delivery.mode,
                      ...(delivery.stalenessBudgetMs === undefined ? {} : { stalenessBudget: toDuration(delivery.stalenessBudgetMs) }),
                  }),
              }
            : {}),
        ...(masks ? { mask: toMasks(masks) } : {}),
        ...(tiles ? { tiles: toTiles(tiles) } : {}),
        ...(overTime ? { temporal: toTemporal(overTime) } : {}),
        ...(thresholds ? { thresholds: toThresholds(thresholds) } : {}),
        ...(adaptation ? { adaptation: toAdaptation(adaptation) } : {}),
        adaptationSnapshot: options.adaptationSnapshot ?? new Uint8Array(),
        explain: options.explain ?? '',
        receipts: options.receipts ?? false,
        model: options.model ?? '',
        deterministic: options.deterministic ?? false,
        economies: [...(options.economies ?? [])],
        unordered: options.unordered ?? false,
        maxResponseBytes: maxResponseBytes(client),
        client: client.clientName ?? 'loupe-grpc-node/0.2.0',
        resumable: options.reconnect ?? true,
    });
}

export function maxFramesInFlight(options: SessionOptions): number {
    return options.maxFramesInFlight ?? 64;
}

export function maxResponseBytes(options: ClientOptions): number {
    return options.maxResponseBytes ?? 16 * 1024 * 1024;
}

/** What gRPC calls the address; RangeError where it is none. */
export function toTarget(address: string): string {
    if (address.startsWith('unix:')) {
        return address;
    }
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (!url || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
        throw new RangeError(`address is ${address}: it must be http://HOST:PORT, https://HOST:PORT or unix:/path`);
    }
    return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

export function toDuration(milliseconds: number): Duration {
    const nanos = Math.round(milliseconds * 1e6);
    return create(DurationSchema, { seconds: BigInt(Math.floor(nanos / 1e9)), nanos: nanos % 1e9 });
}

export function fromDuration(duration: Duration | undefined): number {
    return duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : 0;
}
