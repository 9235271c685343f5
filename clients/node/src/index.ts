/** Client of a LoupeGrpc server: frames and pictures in, forgery scores and masks out. */
export { LoupeClient } from './client.js';
export { ConnectionLostError, LoupeError, NotAllowedError, RequestError, UnavailableError, type FailureCode } from './errors.js';
export { fromImageData, fromSharp, PixelFormat, YuvMatrix, YuvRange, type Frame, type FrameFormat, type Image, type RawImage } from './frames.js';
export type { AdaptationGuard, AdaptationState } from './gen/loupe/v1/adaptation_pb.js';
export type { Explanation, FrameResult, Note, Region, TileReport, TileWindow } from './gen/loupe/v1/result_pb.js';
export type { GetServerInfoResponse } from './gen/loupe/v1/service_pb.js';
export type { ControlReply, SessionGrant, SessionSummary } from './gen/loupe/v1/session_pb.js';
export { RleMask, type Box } from './masks.js';
export {
    DEFAULT_ADDRESS,
    DeliveryMode,
    MaskEncoding,
    MaskPolicy,
    TilePolicy,
    type Adaptation,
    type ClientOptions,
    type Delivery,
    type Masks,
    type OverTime,
    type SessionOptions,
    type Thresholds,
    type Tiles,
} from './options.js';
export {
    DropReason,
    Economy,
    ExplanationCode,
    Mask,
    MaskAgreement,
    MaskOmission,
    NoteCode,
    SessionEventKind,
    Verdict,
    type Analysis,
    type Dropped,
    type Expired,
    type Failed,
    type Outcome,
    type Result,
    type SessionEvent,
} from './outcomes.js';
export type { Session } from './session.js';
