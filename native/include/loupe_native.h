/*
 * C interface of libloupe_native: preprocessing, mask decoding and run-length encoding.
 *
 * Conventions that hold for every function here:
 *
 *  - Results come through out parameters; the return value is a loupe_status. Nothing throws across this interface.
 *    When a status is not LOUPE_OK, loupe_last_error() says on the same thread what was wrong, and out parameters are
 *    unchanged unless the function says otherwise.
 *  - The caller owns every buffer it passes and keeps it alive for the duration of the call only: no pointer is
 *    retained. Input and output buffers must not overlap.
 *  - Handles (loupe_preprocessor, loupe_mask_decoder) own their workspaces, which grow to the largest request seen and
 *    are reused. Create and destroy pair up; destroying NULL does nothing. A handle serves one call at a time, from any
 *    thread: a second call while one is running answers LOUPE_BUSY and touches nothing. Destroying a handle during a
 *    call is a caller's error that is not detected.
 *  - Functions without a handle are safe from any number of threads.
 *  - Strides are in the unit their name ends with and are never negative. Sizes and strides are always explicit;
 *    nothing is read beyond `size_bytes` of a plane nor written beyond a stated capacity.
 *  - Structs begin with `struct_size`, set by the caller to sizeof(the struct): a mismatch is LOUPE_INVALID_ARGUMENT.
 *    Layouts are for 64-bit targets and pinned below.
 */
#ifndef LOUPE_NATIVE_H_
#define LOUPE_NATIVE_H_

#include <stdint.h>

#if defined(_WIN32)
#error "libloupe_native is built for ELF targets only."
#elif defined(LOUPE_NATIVE_BUILD)
#define LOUPE_API __attribute__((visibility("default")))
#else
#define LOUPE_API
#endif

#ifdef __cplusplus
#define LOUPE_NOEXCEPT noexcept
extern "C" {
#else
#define LOUPE_NOEXCEPT
#endif

/* Raised by every change that an existing caller could notice. */
#define LOUPE_ABI_VERSION 5

typedef enum loupe_status {
  LOUPE_OK = 0,
  /* A null pointer, a size or stride that does not fit, an enumerator that does not exist. */
  LOUPE_INVALID_ARGUMENT = 1,
  /* The destination is too small; the needed size is in the out parameter where the function has one. */
  LOUPE_BUFFER_TOO_SMALL = 2,
  /* Run-length counts that describe no mask of the stated size. */
  LOUPE_MALFORMED = 3,
  /* Logits that are infinite or not a number. */
  LOUPE_NOT_FINITE = 4,
  LOUPE_OUT_OF_MEMORY = 5,
  /* The handle is in another call. */
  LOUPE_BUSY = 6,
  LOUPE_INTERNAL = 7
} loupe_status;

/* LOUPE_ABI_VERSION as the library was built with. Callers compare it with their own before anything else. */
LOUPE_API uint32_t loupe_abi_version(void) LOUPE_NOEXCEPT;

/* The product's version, e.g. "0.1.0". Static storage. */
LOUPE_API const char* loupe_version(void) LOUPE_NOEXCEPT;

/* What the last failing call on this thread found wrong, in one sentence. Valid until the next failing call on the
 * thread; empty before the first. Never NULL. */
LOUPE_API const char* loupe_last_error(void) LOUPE_NOEXCEPT;

/* ---- Pictures ------------------------------------------------------------------------------------------------- */

/* Bytes of one pixel (or group of pixels) in memory order. Chroma of the 4:2:0 formats is stored for ceil(width / 2) by
 * ceil(height / 2) samples, and YUYV rows hold ceil(width / 2) groups: odd sizes are accepted, the surplus ignored. */
typedef enum loupe_pixel_format {
  LOUPE_BGR24 = 0,  /* one plane: B G R */
  LOUPE_RGB24 = 1,  /* one plane: R G B */
  LOUPE_BGRA32 = 2, /* one plane: B G R A; alpha is dropped, colour is taken as stored (not premultiplied) */
  LOUPE_GRAY8 = 3,  /* one plane, full range; R = G = B = the value */
  LOUPE_NV12 = 4,   /* two planes: Y; then U V interleaved at half size */
  LOUPE_I420 = 5,   /* three planes: Y; U; V, the chroma at half size */
  LOUPE_YUYV = 6    /* one plane: Y0 U Y1 V for two pixels */
} loupe_pixel_format;

/*
 * YUV to RGB, per pixel in integers, with the chroma sample of the pixel's group (nearest, no interpolation).
 * With y, u, v in 0..255, u' = u - 128, v' = v - 128 and >> an arithmetic shift:
 *
 *   l = max(0, y - offset) * cy
 *   r = clamp((l +           cvr * v' + 2^19) >> 20, 0, 255)
 *   g = clamp((l + cug * u' + cvg * v' + 2^19) >> 20, 0, 255)
 *   b = clamp((l + cub * u'           + 2^19) >> 20, 0, 255)
 *
 *                    offset      cy       cvr      cug       cvg      cub
 *   BT.601 limited       16  1220542  1673527  -409993   -852492  2116026
 *   BT.601 full           0  1048576  1470104  -360853   -748826  1858077
 *   BT.709 limited       16  1220945  1879825  -223607   -558796  2215014
 *   BT.709 full           0  1048576  1651297  -196424   -490864  1945738
 *
 * BT.601 limited is what OpenCV's cvtColor computes (its coefficients have three decimals: 1.164, 1.596, 0.391, 0.813,
 * 2.018), so that a pipeline which converts by itself gets the same bytes. The others are the standards' own values
 * times 2^20, rounded to nearest.
 */
typedef enum loupe_yuv_matrix { LOUPE_BT601 = 0, LOUPE_BT709 = 1 } loupe_yuv_matrix;
typedef enum loupe_yuv_range { LOUPE_LIMITED = 0, LOUPE_FULL = 1 } loupe_yuv_range;

/* Sides of a picture: 1 to this. */
#define LOUPE_MAX_SIDE 65535

typedef struct loupe_plane {
  const uint8_t* data;
  /* Bytes readable at `data`: at least stride_bytes * (rows - 1) + the bytes of one row. */
  int64_t size_bytes;
  /* From one row to the next: at least the bytes of one row. */
  int64_t stride_bytes;
} loupe_plane;

typedef struct loupe_image {
  uint32_t struct_size;
  int32_t format; /* loupe_pixel_format */
  int32_t width;  /* pixels */
  int32_t height;
  int32_t matrix;        /* loupe_yuv_matrix; ignored by formats that are not YUV, as is `range` */
  int32_t range;         /* loupe_yuv_range */
  loupe_plane planes[3]; /* those beyond the format's own are ignored */
} loupe_image;

/* What plane `plane` (0..2) of a picture needs: bytes of one row, and rows. Both are 0 for a plane the format lacks. */
LOUPE_API loupe_status loupe_plane_layout(int32_t format, int32_t width, int32_t height, int32_t plane,
                                          int64_t* row_bytes, int32_t* rows) LOUPE_NOEXCEPT;

/* Checks everything that the functions which take a picture check. */
LOUPE_API loupe_status loupe_image_validate(const loupe_image* image) LOUPE_NOEXCEPT;

/* The picture in colour at its own size: B G R per pixel, rows of `stride_bytes`, at least 3 * width. `count` is the
 * destination's capacity in bytes: at least stride_bytes * (height - 1) + 3 * width. Needs no handle. */
LOUPE_API loupe_status loupe_image_to_bgr(const loupe_image* image, uint8_t* destination, int64_t stride_bytes,
                                          int64_t count) LOUPE_NOEXCEPT;

/* ---- Preprocessing --------------------------------------------------------------------------------------------- */

typedef struct loupe_preprocessor loupe_preprocessor;

typedef struct loupe_preprocessor_options {
  uint32_t struct_size;
  int32_t image_size; /* S, the side of the model's input: 1 to 16384 */
  float mean[3];      /* R, G, B, of values in 0..1; finite */
  float std[3];       /* finite, not 0 */
} loupe_preprocessor_options;

/* Owned by the caller: loupe_preprocessor_destroy. */
LOUPE_API loupe_status loupe_preprocessor_create(const loupe_preprocessor_options* options,
                                                 loupe_preprocessor** preprocessor) LOUPE_NOEXCEPT;
LOUPE_API void loupe_preprocessor_destroy(loupe_preprocessor* preprocessor) LOUPE_NOEXCEPT;

/*
 * Converts to RGB, resizes to S x S without keeping the aspect ratio, and normalises: [3, S, S], channel R first.
 * The resize is Pillow's BILINEAR on bytes, bit for bit: horizontal pass first, each pass skipped where the size does
 * not change, triangle filter widened by the reduction, weights in 22-bit fixed point. A byte v becomes
 * (float32(v * (1/255)) - mean) / std in float32. `count` is the destination's capacity in elements: at least 3*S*S.
 */
LOUPE_API loupe_status loupe_preprocess_to_nchw(loupe_preprocessor* preprocessor, const loupe_image* image,
                                                float* destination, int64_t count) LOUPE_NOEXCEPT;

/* The same before normalisation: bytes [3, S, S]. */
LOUPE_API loupe_status loupe_preprocess_to_chw(loupe_preprocessor* preprocessor, const loupe_image* image,
                                               uint8_t* destination, int64_t count) LOUPE_NOEXCEPT;

/* ---- Mask decoding --------------------------------------------------------------------------------------------- */

typedef struct loupe_mask_decoder loupe_mask_decoder;

/* Where the soft map is written. */
typedef enum loupe_soft_extent {
  LOUPE_SOFT_EVERYWHERE = 0,
  /* At least where the mask is 1, as it would be everywhere; what it holds elsewhere is not said. Takes less time: where
     no pixel can be forged little is computed. */
  LOUPE_SOFT_WITHIN_MASK = 1
} loupe_soft_extent;

typedef struct loupe_mask_request {
  uint32_t struct_size;
  int32_t queries;     /* Q: 1 to 4096 */
  int32_t grid_width;  /* w: 1 to 4096 */
  int32_t grid_height; /* h: 1 to 4096 */
  int32_t width;       /* of the picture, in pixels: 1 to LOUPE_MAX_SIDE */
  int32_t height;
  float threshold;              /* of the soft value, exclusive; finite */
  int32_t soft_extent;          /* loupe_soft_extent; without meaning where `soft` is NULL */
  const float* mask_logits;     /* [Q, h, w], dense */
  const float* class_logits;    /* [Q, 2], dense: 0 forged, 1 nothing */
  uint8_t* mask;                /* [height] rows of `width` bytes: 1 forged, 0 not */
  int64_t mask_stride_bytes;    /* at least width */
  float* soft;                  /* the soft map at the picture's size, or NULL */
  int64_t soft_stride_elements; /* at least width; ignored without `soft` */
} loupe_mask_request;

/* `decode_size`: side of the square at which queries are combined, 1 to 4096; Loupe's is 384. */
LOUPE_API loupe_status loupe_mask_decoder_create(int32_t decode_size, loupe_mask_decoder** decoder) LOUPE_NOEXCEPT;
LOUPE_API void loupe_mask_decoder_destroy(loupe_mask_decoder* decoder) LOUPE_NOEXCEPT;

/*
 * Mask logits are resized bilinearly (corners not aligned) to decode_size squared and become probabilities by the
 * sigmoid; soft = sum over queries of softmax(class logits)[forged] * probability; soft is resized bilinearly to the
 * picture, and a pixel is forged where soft > threshold. float32 throughout. `area`: number of forged pixels.
 * Infinite or NaN logits are LOUPE_NOT_FINITE. The largest workspace is 2*Q*decode_size + 2*width elements.
 */
LOUPE_API loupe_status loupe_mask_decode(loupe_mask_decoder* decoder, const loupe_mask_request* request,
                                         int64_t* area) LOUPE_NOEXCEPT;

/* ---- Run-length encoding --------------------------------------------------------------------------------------- */

/*
 * COCO's compressed counts (pycocotools), byte for byte: runs along columns from the top left, alternately of 0 and 1
 * and beginning with 0; each run, from the fourth on minus the one two before it, in groups of five bits, least first,
 * as characters 48 to 111. Masks have 1 to LOUPE_MAX_SIDE pixels a side and at most 2^31 - 1 in all.
 *
 * Counts that are read must hold such characters only, in groups that end, and non-negative runs which add up to
 * exactly width * height: anything else is LOUPE_MALFORMED. Empty runs are accepted anywhere, as
 * pycocotools does; counts that are written have none but the first.
 */
typedef struct loupe_counts {
  const uint8_t* data; /* ASCII, no terminator */
  int64_t size_bytes;
} loupe_counts;

typedef enum loupe_mask_operation { LOUPE_UNION = 0, LOUPE_INTERSECTION = 1 } loupe_mask_operation;

/* `mask`: `height` rows of `width` bytes, any value but 0 is forged. `written` is set on LOUPE_OK, and on
 * LOUPE_BUFFER_TOO_SMALL to the capacity that would do (the destination's content is then undefined). */
LOUPE_API loupe_status loupe_rle_encode(const uint8_t* mask, int64_t mask_size_bytes, int64_t mask_stride_bytes,
                                        int32_t width, int32_t height, uint8_t* destination, int64_t capacity,
                                        int64_t* written) LOUPE_NOEXCEPT;

/* Writes 0 and 1. Counts are checked to their end before a pixel is written. */
LOUPE_API loupe_status loupe_rle_decode(loupe_counts counts, int32_t width, int32_t height, uint8_t* mask,
                                        int64_t mask_size_bytes, int64_t mask_stride_bytes) LOUPE_NOEXCEPT;

LOUPE_API loupe_status loupe_rle_area(loupe_counts counts, int32_t width, int32_t height, int64_t* area) LOUPE_NOEXCEPT;

/* `box`: x, y, width, height in pixels; all 0 for an empty mask. */
LOUPE_API loupe_status loupe_rle_bounding_box(loupe_counts counts, int32_t width, int32_t height,
                                              int32_t box[4]) LOUPE_NOEXCEPT;

/* `operation` is a loupe_mask_operation. `written` as in loupe_rle_encode. */
LOUPE_API loupe_status loupe_rle_merge(loupe_counts first, loupe_counts second, int32_t width, int32_t height,
                                       int32_t operation, uint8_t* destination, int64_t capacity,
                                       int64_t* written) LOUPE_NOEXCEPT;

/* Intersection over union of two masks of one size; 0 when both are empty, as pycocotools has it. */
LOUPE_API loupe_status loupe_rle_iou(loupe_counts first, loupe_counts second, int32_t width, int32_t height,
                                     double* iou) LOUPE_NOEXCEPT;

/* ---- Files ---------------------------------------------------------------------------------------------------- */

/* Puts memory with the same content in the place of everything that this process has mapped of a file: what is done to
 * the file from then on reaches nobody here. Meanwhile no thread may unmap any of it. LOUPE_MALFORMED where the file
 * became shorter before. `bytes`: how many they were, in whole pages; 0 where nothing was mapped. */
LOUPE_API loupe_status loupe_detach_file(const char* path, int64_t* bytes) LOUPE_NOEXCEPT;

#ifdef __cplusplus
} /* extern "C" */

/* The same numbers stand in NativeStructsTests on the C# side. */
static_assert(sizeof(void*) == 8, "libloupe_native is for 64-bit targets");
static_assert(sizeof(loupe_plane) == 24, "layout is part of the interface");
static_assert(sizeof(loupe_image) == 96, "layout is part of the interface");
static_assert(sizeof(loupe_preprocessor_options) == 32, "layout is part of the interface");
static_assert(sizeof(loupe_mask_request) == 80, "layout is part of the interface");
static_assert(sizeof(loupe_counts) == 16, "layout is part of the interface");
#endif

#endif /* LOUPE_NATIVE_H_ */
