import { fromBinary, toBinary, type MessageInitShape, create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { isServiceError, isTransport, toError, UnavailableError } from './errors.js';
import {
    AnalyzeImageRequestSchema,
    AnalyzeImageResponseSchema,
    AnalyzeResponseSchema,
    GetServerInfoRequestSchema,
    GetServerInfoResponseSchema,
    type AnalyzeImageResponse,
    type AnalyzeResponse,
    type GetServerInfoResponse,
} from './gen/loupe/v1/service_pb.js';
import { DEFAULT_ADDRESS, maxResponseBytes, toTarget, type ClientOptions } from './options.js';

/** A server that took the connection may be busy; one that says nothing for so long is none. */
const ATTEMPT_TIMEOUT_MS = 60_000;
/** A session's window may be short, and a way that leads nowhere must not eat it up. */
const RECONNECT_TIMEOUT_MS = 10_000;
const MAX_PAUSE_MS = 2_000;

export type AnalyzeCall = ClientDuplexStream<Buffer, AnalyzeResponse>;

/** One gRPC channel, the three calls of the service, and when calls are tried again. */
export class Channel {
    /** As messages show it: without a path, and without credentials. */
    readonly shownAddress: string;
    private readonly client: Client;

    constructor(readonly options: ClientOptions) {
        const address = options.address ?? DEFAULT_ADDRESS;
        const target = toTarget(address);
        const secure = address.startsWith('https:');
        this.shownAddress = address.startsWith('unix:') ? address : `${secure ? 'https' : 'http'}://${target}`;
        if (!secure && (options.ca ?? options.certificate ?? options.privateKey)) {
            throw new RangeError('ca, certificate and privateKey go with an https:// address');
        }
        if (maxResponseBytes(options) < 65_536) {
            throw new RangeError('maxResponseBytes is 65,536 or more');
        }
        const security = secure
            ? credentials.createSsl(options.ca ?? null, options.privateKey ?? null, options.certificate ?? null)
            : credentials.createInsecure();
        this.client = new Client(target, security, {
            'grpc.max_receive_message_length': maxResponseBytes(options),
            'grpc.max_send_message_length': -1,
            'grpc.keepalive_time_ms': options.keepAliveMs ?? 20_000,
            'grpc.keepalive_timeout_ms': 10_000,
            // Ours are the pauses between attempts, and ours is what is sent again.
            'grpc.initial_reconnect_backoff_ms': 100,
            'grpc.max_reconnect_backoff_ms': 500,
            'grpc.enable_retries': 0,
            'grpc.use_local_subchannel_pool': 1,
            // A proxy from the environment cannot carry HTTP/2 without TLS.
            'grpc.enable_http_proxy': secure ? 1 : 0,
        });
    }

    async analyze(headers: Readonly<Record<string, string>>): Promise<AnalyzeCall> {
        const metadata = await this.metadata(headers);
        // Requests come as bytes: a session keeps what it may have to send again.
        return this.client.makeBidiStreamRequest(path('Analyze'), (bytes: Buffer) => bytes, read(AnalyzeResponseSchema), metadata);
    }

    analyzeImage(request: MessageInitShape<typeof AnalyzeImageRequestSchema>, signal?: AbortSignal): Promise<AnalyzeImageResponse> {
        const bytes = Buffer.from(toBinary(AnalyzeImageRequestSchema, create(AnalyzeImageRequestSchema, request)));
        return this.unary('AnalyzeImage', bytes, read(AnalyzeImageResponseSchema), signal);
    }

    serverInfo(signal?: AbortSignal): Promise<GetServerInfoResponse> {
        const bytes = Buffer.from(toBinary(GetServerInfoRequestSchema, create(GetServerInfoRequestSchema)));
        return this.unary('GetServerInfo', bytes, read(GetServerInfoResponseSchema), signal);
    }

    close(): void {
        this.client.close();
    }

    /** Until the server answers; no attempt begins once `connectTimeoutMs` has passed. */
    async connect<T>(attempt: () => Promise<T>): Promise<T> {
        const started = performance.now();
        for (let tries = 0; ; tries++) {
            try {
                return await this.within(ATTEMPT_TIMEOUT_MS, attempt);
            } catch (error) {
                const left = (this.options.connectTimeoutMs ?? 10_000) - (performance.now() - started);
                if (!isServiceError(error)) {
                    throw error;
                }
                if (left <= 0 || !isTransport(error)) {
                    throw toError(error, this.shownAddress);
                }
                await sleep(Math.min(pause(tries), left));
            }
        }
    }

    /** A call outside sessions: tried again where the server cannot have taken it. */
    async call<T>(attempt: () => Promise<T>): Promise<T> {
        for (let tries = 0; ; tries++) {
            try {
                return await attempt();
            } catch (error) {
                if (!isServiceError(error)) {
                    throw error;
                }
                if (error.code !== status.UNAVAILABLE || tries >= (this.options.unaryRetries ?? 3)) {
                    throw toError(error, this.shownAddress);
                }
                await sleep(pause(tries + 1));
            }
        }
    }

    /** Until a connection is there; no attempt begins once the outage has lasted as long as it may. */
    async reconnect<T>(attempt: () => Promise<T>, outage: Outage): Promise<T> {
        if (outage.attempts > 0) {
            // The connection before this one was of no use.
            await sleep(Math.max(0, Math.min(pause(outage.attempts), outage.leftMs)));
        }
        outage.attempts++;
        for (;;) {
            try {
                return await this.within(RECONNECT_TIMEOUT_MS, attempt);
            } catch (error) {
                const passing = error instanceof UnavailableError || (isServiceError(error) && isTransport(error));
                if (!passing || outage.leftMs <= 0) {
                    throw isServiceError(error) ? toError(error, this.shownAddress) : error;
                }
                await sleep(Math.max(0, Math.min(pause(outage.attempts), outage.leftMs)));
                outage.attempts++;
            }
        }
    }

    private async unary<T>(method: string, request: Buffer, parse: (bytes: Buffer) => T, signal?: AbortSignal): Promise<T> {
        signal?.throwIfAborted();
        const metadata = await this.metadata({});
        return await new Promise<T>((resolve, reject) => {
            const done = (error: ServiceError | null, response?: T) => {
                signal?.removeEventListener('abort', abort);
                if (error || response === undefined) {
                    reject(signal?.aborted ? (signal.reason as Error) : (error ?? new Error('no answer')));
                } else {
                    resolve(response);
                }
            };
            const call = this.client.makeUnaryRequest(path(method), (bytes: Buffer) => bytes, parse, request, metadata, done);
            const abort = () => {
                call.cancel();
            };
            signal?.addEventListener('abort', abort, { once: true });
        });
    }

    private async within<T>(milliseconds: number, attempt: () => Promise<T>): Promise<T> {
        const giveUp = new AbortController();
        const silence = sleep(milliseconds, undefined, { signal: giveUp.signal }).then(() => {
            throw new UnavailableError(`${this.shownAddress} takes connections but does not answer`);
        });
        try {
            return await Promise.race([attempt(), silence]);
        } finally {
            giveUp.abort();
            silence.catch(() => undefined);
        }
    }

    private async metadata(headers: Readonly<Record<string, string>>): Promise<Metadata> {
        const { key, headers: own, callHeaders } = this.options;
        const every = {
            ...headers,
            ...(await traceHeaders()),
            ...own,
            ...callHeaders?.(),
            ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        };
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(every)) {
            metadata.set(name, value);
        }
        return metadata;
    }
}

/** A time without a useful connection: from the first break until a connection brought an answer. */
export class Outage {
    attempts = 0;
    private readonly started = performance.now();

    constructor(private readonly windowMs: number) {}

    get elapsedMs(): number {
        return performance.now() - this.started;
    }

    get leftMs(): number {
        return this.windowMs - this.elapsedMs;
    }
}

/** 0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once. */
function pause(attempt: number): number {
    return Math.min(100 * 2 ** Math.min(attempt, 10), MAX_PAUSE_MS) * (0.75 + Math.random() / 2);
}

function path(method: string): string {
    return `/loupe.v1.ForgeryAnalysisService/${method}`;
}

function read<T extends Parameters<typeof fromBinary>[0]>(schema: T) {
    return (bytes: Buffer) => fromBinary(schema, bytes);
}

interface OpenTelemetry {
    readonly context: { active(): unknown };
    readonly propagation: { inject(context: unknown, carrier: Record<string, string>): void };
}

let openTelemetry: Promise<OpenTelemetry | undefined> | undefined;

async function traceHeaders(): Promise<Record<string, string>> {
    // Not by its name alone: who has it not need not have its types either.
    const name: string = '@opentelemetry/api';
    openTelemetry ??= import(name).then(
        (module) => module as OpenTelemetry,
        () => undefined,
    );
    const api = await openTelemetry;
    const carrier: Record<string, string> = {};
    api?.propagation.inject(api.context.active(), carrier);
    return carrier;
}
