/*
 * Counted buffers, and views of them.
 *
 * A buffer is one piece of memory with a reference count (of one loop: not atomic). A slice is a
 * view of a part of a buffer; it owns one reference. Whoever makes a buffer names the budget that
 * pays for it, until the last reference is gone.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"

struct buffer {
    uint32_t references;
    size_t size;                   /* bytes at data */
    struct budget *budget;         /* who pays; NULL: nobody */
    void (*free_data)(void *data); /* NULL: data is freed with the buffer */
    uint8_t *data;
};

/* One reference, uninitialised data of `size` bytes. `budget` may be NULL. */
struct buffer *buffer_new(struct budget *budget, size_t size);
/* Takes over `data` (from mem_alloc). */
struct buffer *buffer_adopt(struct budget *budget, void *data, size_t size);
/* Names who pays for a buffer that nobody has paid for so far. Nothing if `budget` is NULL or pays
 * already. */
void buffer_charge(struct buffer *buffer, struct budget *budget);
/* Takes the charge off the budget: from here on the holder limits this memory by its own means. */
void buffer_discharge(struct buffer *buffer);
struct buffer *buffer_ref(struct buffer *buffer);
void buffer_unref(struct buffer *buffer); /* NULL does nothing */

struct slice {
    struct buffer *buffer; /* the reference it owns; NULL: static memory or empty */
    const uint8_t *data;
    size_t len;
};

/* Takes a reference of its own. */
struct slice slice_of(struct buffer *buffer, size_t offset, size_t len);
struct slice slice_copy(struct budget *budget, const void *data, size_t len);
/* Takes over `data` (from mem_alloc). */
struct slice slice_adopt(struct budget *budget, void *data, size_t len);
struct slice slice_ref(struct slice slice); /* another slice of the same bytes */
void slice_unref(struct slice *slice);      /* leaves it empty */

#endif
