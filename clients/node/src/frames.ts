import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { readFile } from 'node:fs/promises';
import { FrameFormatSchema, FrameSchema, PixelFormat, RawImageSchema, EncodedImageSchema, YuvMatrix, YuvRange } from './gen/loupe/v1/frame_pb.js';
import { toDuration } from './options.js';

export { PixelFormat, YuvMatrix, YuvRange };

/** How pixels lie in memory. */
export interface FrameFormat {
    readonly pixelFormat: PixelFormat;
    readonly width: number;
    readonly height: number;
    /** Bytes from one row to the next, one number a plane. Default: no padding. */
    readonly strides?: readonly number[];
    readonly yuvMatrix?: YuvMatrix;
    readonly yuvRange?: YuvRange;
}

/** Uncompressed pixels: the planes one behind the other, each of its stride times its rows. */
export interface RawImage {
    readonly pixels: Uint8Array;
    /** Default: the session's `frameFormat`. */
    readonly format?: FrameFormat | undefined;
}

/** A file's path (string or URL), its bytes, or raw pixels: see `fromSharp` and `fromImageData`. Bytes must stay as they are until `send` is done. */
export type Image = string | URL | Uint8Array | RawImage;

/** A picture with what the session is to know about it. */
export interface Frame {
    readonly image: Image;
    /** The caller's own number, echoed. Any 64 bits; duplicates are allowed. Default: how many frames the session was given before. */
    readonly frameId?: bigint | number | undefined;
    /** For the summary's timeline. */
    readonly captureTime?: Date | undefined;
    /** Milliseconds after its receipt for which the outcome is of use; later it is `expired`. Default: for ever. */
    readonly deadlineMs?: number | undefined;
}

/** What `sharp(…).raw().toBuffer({ resolveWithObject: true })` gives. */
export function fromSharp(raw: {
    readonly data: Uint8Array;
    readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}): RawImage {
    const { width, height, channels } = raw.info;
    switch (channels) {
        case 1:
            return { pixels: raw.data, format: { pixelFormat: PixelFormat.GRAY8, width, height } };
        case 3:
            return { pixels: raw.data, format: { pixelFormat: PixelFormat.RGB24, width, height } };
        case 4:
            return fromImageData({ data: raw.data, width, height });
        default:
            throw new RangeError(`pixels of ${channels} channels are no picture: 1, 3 or 4`);
    }
}

/** What a canvas' `getImageData` gives: red, green, blue, alpha. */
export function fromImageData(image: { readonly data: Uint8Array | Uint8ClampedArray; readonly width: number; readonly height: number }): RawImage {
    const pixels = Uint8Array.from(image.data);
    for (let i = 0; i + 3 < pixels.length; i += 4) {
        [pixels[i], pixels[i + 2]] = [pixels[i + 2] ?? 0, pixels[i] ?? 0];
    }
    return { pixels, format: { pixelFormat: PixelFormat.BGRA32, width: image.width, height: image.height } };
}

export function isFrame(value: Image | Frame): value is Frame {
    return typeof value === 'object' && 'image' in value;
}

/** Bytes and format; a file is read here. */
export async function readImage(image: Image): Promise<RawImage | Uint8Array> {
    return typeof image === 'string' || image instanceof URL ? await readFile(image) : image;
}

export function sizeOf(picture: RawImage | Uint8Array): number {
    return picture instanceof Uint8Array ? picture.length : picture.pixels.length;
}

export function toFormat(format: FrameFormat): MessageInitShape<typeof FrameFormatSchema> {
    return { ...format, strides: [...(format.strides ?? [])] };
}

/** The oneof of `Frame` and `AnalyzeImageRequest`. */
export function toImage(picture: RawImage | Uint8Array) {
    return picture instanceof Uint8Array
        ? { case: 'encoded' as const, value: create(EncodedImageSchema, { data: picture }) }
        : {
              case: 'raw' as const,
              value: create(RawImageSchema, {
                  data: picture.pixels,
                  ...(picture.format ? { format: create(FrameFormatSchema, toFormat(picture.format)) } : {}),
              }),
          };
}

export function toFrame(frame: Frame, frameId: bigint, picture: RawImage | Uint8Array) {
    return create(FrameSchema, {
        frameId,
        image: toImage(picture),
        ...(frame.captureTime ? { captureTime: timestampFromDate(frame.captureTime) } : {}),
        ...(frame.deadlineMs === undefined ? {} : { deadline: toDuration(frame.deadlineMs) }),
    });
}
