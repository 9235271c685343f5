import { create } from '@bufbuild/protobuf';
import { Channel } from './channel.js';
import { readImage, toImage, type Frame, type Image } from './frames.js';
import { AnalyzeImageRequestSchema, type GetServerInfoResponse } from './gen/loupe/v1/service_pb.js';
import { toMasks, toThresholds, toTiles, type ClientOptions, type Masks, type SessionOptions, type Thresholds, type Tiles } from './options.js';
import { toAnalysis, type Analysis, type Outcome } from './outcomes.js';
import { Session } from './session.js';

/** The connection to one LoupeGrpc server. Meant to live as long as the program and to be shared. Connects with the first call. */
export class LoupeClient {
    private readonly channel: Channel;

    constructor(options: ClientOptions = {}) {
        this.channel = new Channel(options);
    }

    /** A client whose server has answered; waits for it up to `connectTimeoutMs`. UnavailableError where it did not. */
    static async connect(options: ClientOptions = {}): Promise<LoupeClient> {
        const client = new LoupeClient(options);
        try {
            await client.channel.connect(() => client.channel.serverInfo());
            return client;
        } catch (error) {
            client.close();
            throw error;
        }
    }

    get address(): string {
        return this.channel.shownAddress;
    }

    /** What is served, by what, and within which limits. UnavailableError: there is no server. */
    serverInfo(options: { readonly signal?: AbortSignal } = {}): Promise<GetServerInfoResponse> {
        return this.channel.call(() => this.channel.serverInfo(options.signal));
    }

    /** Analyses one picture outside any session. RequestError: the server cannot; its code says why. UnavailableError: there is no server. */
    async analyzeImage(
        image: Image,
        options: {
            readonly thresholds?: Thresholds | undefined;
            readonly masks?: Masks | undefined;
            /** Default: the picture is looked at whole. */
            readonly tiles?: Tiles | undefined;
            /** Language of `Analysis.explanation`, `en` or `zh`. Default: none, the result has no sentences. */
            readonly explain?: string | undefined;
            /** Have the server sign a receipt: `Analysis.receipt`. */
            readonly receipt?: boolean | undefined;
            /** One of the server's models, by name. Default: its first. */
            readonly model?: string | undefined;
            readonly signal?: AbortSignal;
        } = {},
    ): Promise<Analysis> {
        const request = create(AnalyzeImageRequestSchema, {
            image: toImage(await readImage(image)),
            ...(options.thresholds ? { thresholds: toThresholds(options.thresholds) } : {}),
            ...(options.masks ? { mask: toMasks(options.masks) } : {}),
            ...(options.tiles ? { tiles: toTiles(options.tiles) } : {}),
            explain: options.explain ?? '',
            receipt: options.receipt ?? false,
            model: options.model ?? '',
        });
        const { result } = await this.channel.call(() => this.channel.analyzeImage(request, options.signal));
        if (!result) {
            throw new Error(`the server at ${this.address} answered without a result`);
        }
        return toAnalysis(result);
    }

    /** Opens a session; tried again up to `connectTimeoutMs` while the server cannot be reached. RequestError: the server refused it. */
    openSession(options: SessionOptions = {}): Promise<Session> {
        return Session.open(this.channel, options);
    }

    /**
     * Analyses frames in a session of their own: sends as many as the server lets it while outcomes are read, and completes it after the last.
     * ConnectionLostError: the session broke; thrown after the outcomes of all frames that were taken, as is what `frames` itself throws.
     */
    async *analyze(
        frames: AsyncIterable<Image | Frame> | Iterable<Image | Frame>,
        options: SessionOptions = {},
    ): AsyncGenerator<Outcome, void, undefined> {
        const session = await this.openSession(options);
        const sending = (async () => {
            try {
                for await (const frame of frames) {
                    await session.send(frame);
                }
            } finally {
                // Also after a failing source: the frames already sent have outcomes to come.
                await session.complete();
            }
        })();
        // Heard of below.
        sending.catch(() => undefined);
        try {
            yield* session.results();
            // A source that waits for its next frame would never see that the session broke.
            if (session.fault) {
                throw session.fault;
            }
            await sending;
        } finally {
            await session.close();
        }
    }

    /** Breaks the sessions that are still open. */
    close(): void {
        this.channel.close();
    }

    [Symbol.dispose](): void {
        this.close();
    }
}
