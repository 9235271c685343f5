import type { FailureCode } from './errors.js';
import type { AdaptationState } from './gen/loupe/v1/adaptation_pb.js';
import {
    DropReason,
    Economy,
    ExplanationCode,
    MaskAgreement,
    MaskOmission,
    NoteCode,
    Verdict,
    type Explanation,
    type FrameResult,
    type Mask as WireMask,
    type Region,
    type Note,
    type Provenance,
    type TemporalVerdict,
    type TileReport,
} from './gen/loupe/v1/result_pb.js';
import { SessionEventKind, type SessionEvent as WireEvent } from './gen/loupe/v1/session_pb.js';
import { RleMask, type Box } from './masks.js';

export { DropReason, Economy, ExplanationCode, MaskAgreement, MaskOmission, NoteCode, SessionEventKind, Verdict };

/** Where a picture was forged, in stored pixels. */
export class Mask {
    constructor(readonly message: WireMask) {}

    /** Forged pixels, as the server counted them. */
    get area(): number {
        return Number(this.message.area);
    }

    /** Undefined where another encoding was asked for. */
    get rle(): RleMask | undefined {
        const { data } = this.message;
        if (data.case !== 'rle') {
            return undefined;
        }
        const [height, width] = data.value.size;
        if (height === undefined || width === undefined || data.value.size.length !== 2) {
            throw new RangeError(`the mask's size has ${data.value.size.length} numbers; it must be [height, width]`);
        }
        return new RleMask(height, width, data.value.counts);
    }

    /** The file, where a PNG was asked for: `sharp(mask.png)` reads it. */
    get png(): Uint8Array | undefined {
        const { data } = this.message;
        return data.case === 'png' || data.case === 'softPng' ? data.value : undefined;
    }

    /** Row by row, a byte a pixel, 1 where forged. RangeError where the mask is damaged or no run lengths. */
    bitmap(): Uint8Array {
        return this.runLengths().bitmap();
    }

    /** The smallest box around the forged pixels; all 0 where there are none. */
    get box(): Box {
        return this.runLengths().box;
    }

    private runLengths(): RleMask {
        if (!this.rle) {
            throw new RangeError('the mask is no run lengths: see png');
        }
        return this.rle;
    }
}

/** What was found in a picture. Values of enums that a newer server sends are numbers that the enum does not have. */
export interface Analysis {
    /** Probability that the picture was forged, 0 to 1. */
    readonly score: number;
    readonly verdict: Verdict;
    readonly thresholds: { readonly low: number; readonly high: number };
    readonly mask: Mask | undefined;
    readonly maskOmission: MaskOmission;
    readonly maskAgreement: MaskAgreement;
    readonly regions: readonly Region[];
    readonly notes: readonly Note[];
    /** What was left out because the session loses frames, as it allowed. */
    readonly economies: readonly Economy[];
    readonly width: number;
    readonly height: number;
    /** How viewers turn the picture, in EXIF's numbering; 1 is upright. */
    readonly orientation: number;
    /** Of the bytes received, hexadecimal. */
    readonly sha256: string;
    readonly provider: string;
    readonly precision: string;
    /** The state the frame was answered with, in sessions that adapt. */
    readonly adaptation: AdaptationState | undefined;
    /** The mask without adaptation, in sessions with the dual verdict. */
    readonly baseMask: Mask | undefined;
    /** How the picture was looked at in tiles. Undefined: it was looked at whole. */
    readonly tiles: TileReport | undefined;
    /** What was measured, in sentences; empty where no language was asked for. */
    readonly explanation: readonly Explanation[];
    /** What was found, signed: one line of JSON. Empty where it was not asked for. */
    readonly receipt: Uint8Array;
    /** What the frames up to this one say together. Undefined where it was not asked for. */
    readonly overTime: TemporalVerdict | undefined;
    /** What the file itself says of where it comes from, Content Credentials among it. Undefined where it says nothing. */
    readonly provenance: Provenance | undefined;
    /** As it came, with what is not repeated here. */
    readonly message: FrameResult;
}

interface Every {
    readonly frameId: bigint;
    /** The frame's number within the session, from 0, in the order in which `send` took them. */
    readonly index: number;
    /** The server's number of it, which events and the summary's timeline name. Undefined for frames that were never sent. */
    readonly sequence: bigint | undefined;
}

/** The frame was analysed. */
export type Result = Every & { readonly outcome: 'result'; readonly analysis: Analysis };
/** The frame was left out, as the delivery policy asks or because the session ended first. Age since receipt. */
export type Dropped = Every & { readonly outcome: 'dropped'; readonly reason: DropReason; readonly ageMs: number };
/** The frame's own deadline passed before its outcome was there. */
export type Expired = Every & { readonly outcome: 'expired'; readonly ageMs: number; readonly deadlineMs: number };
/** The frame could not be analysed; the session goes on unless the code is CONNECTION_LOST. */
export type Failed = Every & { readonly outcome: 'failed'; readonly code: FailureCode; readonly message: string };

/** The one terminal outcome of one frame. */
export type Outcome = Result | Dropped | Expired | Failed;

/** What happens to a session by itself, on the server and on the way to it. */
export type SessionEvent =
    /** Told by the server: draining, a guard that froze adaptation, an evicted state, another provider. */
    | { readonly event: 'server'; readonly message: WireEvent }
    /** The connection broke; the session tries to go on with another for so long. `resumed` follows, or its end. */
    | { readonly event: 'disconnected'; readonly reason: string; readonly windowMs: number }
    /** The session goes on where it was: no frame was lost, none is answered twice. */
    | { readonly event: 'resumed'; readonly outageMs: number; readonly framesSentAgain: number };

export function toAnalysis(result: FrameResult): Analysis {
    return {
        score: result.score,
        verdict: result.verdict,
        thresholds: { low: result.thresholds?.low ?? 0, high: result.thresholds?.high ?? 0 },
        mask: result.mask && new Mask(result.mask),
        maskOmission: result.maskOmission,
        maskAgreement: result.maskAgreement,
        regions: result.regions,
        notes: result.notes,
        economies: result.economies,
        width: result.width,
        height: result.height,
        orientation: result.orientation,
        sha256: Buffer.from(result.sha256).toString('hex'),
        provider: result.execution?.provider ?? '',
        precision: result.execution?.precision ?? '',
        adaptation: result.adaptation,
        baseMask: result.baseMask && new Mask(result.baseMask),
        tiles: result.tiles,
        explanation: result.explanation,
        receipt: result.receipt,
        overTime: result.temporal,
        provenance: result.provenance,
        message: result,
    };
}
