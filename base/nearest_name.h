/* "Did you mean": the nearest of some names. */
#ifndef BASE_NEAREST_NAME_H
#define BASE_NEAREST_NAME_H

#include <stddef.h>

/* The name in `names` (n of them) nearest to `wrong`, or NULL when none is near. */
const char *nearest_name(const char *wrong, const char *const *names, size_t n);

#endif
