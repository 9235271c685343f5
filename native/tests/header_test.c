/* The header is C: that this compiles is the test. Nothing here runs. */
#include "loupe_native.h"

_Static_assert(sizeof(loupe_plane) == 24, "layout is part of the interface");
_Static_assert(sizeof(loupe_image) == 96, "layout is part of the interface");
_Static_assert(sizeof(loupe_preprocessor_options) == 32, "layout is part of the interface");
_Static_assert(sizeof(loupe_mask_request) == 80, "layout is part of the interface");
_Static_assert(sizeof(loupe_counts) == 16, "layout is part of the interface");
