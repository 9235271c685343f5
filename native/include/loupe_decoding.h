/*
 * C interface of libloupe_native, second part: decoding pictures that nobody vouches for. What holds for every function is written in
 * loupe_native.h.
 */
#ifndef LOUPE_DECODING_H_
#define LOUPE_DECODING_H_

#include "loupe_native.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What decoders say ----------------------------------------------------------------------------------------- */

/*
 * libjpeg, libpng and libtiff as OpenCV builds them write to stderr what is wrong with a picture, and go on. These functions keep such lines for
 * whoever decodes: what C code writes to stdio's `stderr` and C++ code to std::cerr, on a thread between _begin and _end, is collected;
 * all else goes to file descriptor 2 as ever. Lines about metadata, which say nothing of the pixels, are dropped.
 */

/* Bytes that are kept of one picture's lines at most, with the terminator. */
#define LOUPE_MAX_COMPLAINT 256

/* For the whole process, once; more calls do nothing. Before it _begin and _end collect nothing. */
LOUPE_API void loupe_complaints_install(void) LOUPE_NOEXCEPT;

LOUPE_API void loupe_complaints_begin(void) LOUPE_NOEXCEPT;

/* `complaint`: the first line that was about the pixels, terminated, printable ASCII; empty where there was none. */
LOUPE_API void loupe_complaints_end(char complaint[LOUPE_MAX_COMPLAINT]) LOUPE_NOEXCEPT;

/* ---- Decoding in a process of its own --------------------------------------------------------------------------- */

/*
 * A handle owns one process of the program `loupe_decoder`, which decodes one picture at a time, and the memory that it shares with it. The process is
 * started when it is first needed, and again after it was stopped or died. It ends when the caller's process does, however that comes about.
 */
typedef struct loupe_decoder loupe_decoder;

typedef struct loupe_decoder_options {
  uint32_t struct_size;
  int32_t reserved;
  const char* program; /* path of loupe_decoder */
  const char* opencv;  /* path of libOpenCvSharpExtern.so */
} loupe_decoder_options;

/* Which library decodes. */
typedef enum loupe_decode_format {
  LOUPE_DECODE_OPENCV = 0,
  /* The system's libheif, the primary picture as stored, in 8-bit BGR. */
  LOUPE_DECODE_HEIC = 1,
  LOUPE_DECODE_AVIF = 2
} loupe_decode_format;

typedef struct loupe_decode_request {
  uint32_t struct_size;
  int32_t flags;  /* of cv::imdecode */
  int32_t format; /* loupe_decode_format */
  int32_t reserved;
  int64_t input_bytes;
  int64_t pixel_bytes; /* that the decoded picture is expected to take */
  /* Limits of the process while it decodes this picture: address space beyond what it takes when idle, and processor time, after which the system
   * ends it where the caller has not. */
  int64_t memory_bytes;
  int64_t processor_ns;
} loupe_decode_request;

typedef enum loupe_decode_state {
  LOUPE_DECODE_RUNNING = 0,
  LOUPE_DECODE_DONE = 1,
  /* The decoder makes nothing of the data. */
  LOUPE_DECODE_REFUSED = 2,
  /* It takes more memory than it was given. */
  LOUPE_DECODE_OUT_OF_MEMORY = 3,
  /* The process died of the picture. */
  LOUPE_DECODE_DIED = 4,
  /* The library that the format takes is not there, or lacks a decoder: `complaint` says which. */
  LOUPE_DECODE_UNAVAILABLE = 5
} loupe_decode_state;

typedef struct loupe_decode_result {
  uint32_t struct_size;
  int32_t state; /* loupe_decode_state */
  int32_t width;
  int32_t height;
  int32_t type;   /* OpenCV's: depth and channels */
  int32_t signal; /* that it died of; 0 where it just ended */
  int64_t step_bytes;
  int64_t processor_ns;                /* that it has used on this picture so far */
  const uint8_t* pixels;               /* in shared memory; valid until the next _room, _stop or _destroy */
  char complaint[LOUPE_MAX_COMPLAINT]; /* as of loupe_complaints_end */
} loupe_decode_result;

/* Starts nothing yet. The paths are copied. */
LOUPE_API loupe_status loupe_decoder_create(const loupe_decoder_options* options,
                                            loupe_decoder** decoder) LOUPE_NOEXCEPT;
LOUPE_API void loupe_decoder_destroy(loupe_decoder* decoder) LOUPE_NOEXCEPT;

/* Makes room for a picture, and starts the process where there is none. `input`: where the file's bytes are to be written, before _start.
 * LOUPE_INTERNAL: the process cannot be started, and why. */
LOUPE_API loupe_status loupe_decoder_room(loupe_decoder* decoder, int64_t input_bytes, int64_t pixel_bytes,
                                          uint8_t** input) LOUPE_NOEXCEPT;

/* Begins decoding what was written. */
LOUPE_API loupe_status loupe_decoder_start(loupe_decoder* decoder, const loupe_decode_request* request) LOUPE_NOEXCEPT;

/* Waits so long for the end of what _start began. */
LOUPE_API loupe_status loupe_decoder_wait(loupe_decoder* decoder, int32_t milliseconds,
                                          loupe_decode_result* result) LOUPE_NOEXCEPT;

/* Gives memory of a large picture back to the system. The pixels are gone. */
LOUPE_API loupe_status loupe_decoder_trim(loupe_decoder* decoder) LOUPE_NOEXCEPT;

/* `id`: of the process; 0 where there is none now. */
LOUPE_API loupe_status loupe_decoder_process_id(loupe_decoder* decoder, int32_t* id) LOUPE_NOEXCEPT;

/* Ends the process, whatever it does. */
LOUPE_API loupe_status loupe_decoder_stop(loupe_decoder* decoder) LOUPE_NOEXCEPT;

#ifdef __cplusplus
} /* extern "C" */

/* The same numbers stand in NativeStructsTests on the C# side. */
static_assert(sizeof(loupe_decoder_options) == 24, "layout is part of the interface");
static_assert(sizeof(loupe_decode_request) == 48, "layout is part of the interface");
static_assert(sizeof(loupe_decode_result) == 304, "layout is part of the interface");
#endif

#endif /* LOUPE_DECODING_H_ */
