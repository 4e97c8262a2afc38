/*
 * Counted buffers and the budgets that they are charged to.
 *
 * A buffer is one piece of memory with a reference count (of one loop: not atomic). A slice is a view of a part of a
 * buffer; it owns one reference. A budget is a limit in bytes: whoever makes a buffer names the budget that pays for
 * it, until the last reference is gone. A budget never refuses what is already here; readers ask budget_spent()
 * before they read more, and are called back when there is room again.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Waits for a budget to have room. Fields belong to the budget between budget_wait and `room`. */
struct budget_waiter {
    void (*room)(struct budget_waiter *waiter); /* called once, from the release that made room */
    struct budget_waiter *next, *prev;
    bool waiting;
};

struct budget {
    size_t limit; /* bytes */
    size_t used;  /* bytes; may exceed the limit by what was under way when it was reached */
    struct budget_waiter *waiters;
    const void *passer; /* who alone may go on past the limit; NULL: nobody */
    /* Pays for large frames that are half here, so that those who send halves keep only each other waiting; NULL: this one does. */
    struct budget *halves;
    struct budget
        *larges; /* Pays for whole large frames, so that they keep only each other waiting; NULL: this one does. */
    void (*wanted)(void *arg); /* somebody begins to wait for room; NULL: nobody needs to know */
    void *wanted_arg;
};

void budget_init(struct budget *budget, size_t limit);
bool budget_spent(const struct budget *budget); /* used >= limit */
void budget_charge(struct budget *budget, size_t bytes);
/* Wakes waiters, first come first served, while there is room. */
void budget_release(struct budget *budget, size_t bytes);
void budget_wait(struct budget *budget, struct budget_waiter *waiter);
void budget_wait_cancel(struct budget *budget, struct budget_waiter *waiter); /* nothing if it does not wait */
/* Whether `who` may go on with what he has half done: there is room, or he is the one who may pass the limit. So halves never wait for
 * each other: they are finished one after the other. The first who asks is the one, until budget_end_pass. */
bool budget_may_pass(struct budget *budget, const void *who);
/* It is done, or given up: wakes those who wait, of whom one may be the next. Nothing if `who` is not the one. */
void budget_end_pass(struct budget *budget, const void *who);

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
/* Names who pays for a buffer that nobody has paid for so far. Nothing if `budget` is NULL or pays already. */
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

struct slice slice_of(struct buffer *buffer, size_t offset, size_t len); /* takes a reference of its own */
struct slice slice_copy(struct budget *budget, const void *data, size_t len);
struct slice slice_adopt(struct budget *budget, void *data, size_t len); /* takes over `data` (from mem_alloc) */
struct slice slice_ref(struct slice slice);                              /* another slice of the same bytes */
void slice_unref(struct slice *slice);                                   /* leaves it empty */

#endif
