/*
 * Buffers, slices and budgets.
 *
 * Happy path: buffer_new takes one piece of heap for the count and the bytes; the last unref gives it back and then
 * releases the charge. Invariants: a budget's `used` is the sum of what its living buffers were charged; a waiter is
 * taken off the list before it is called, so that it may wait again or release more inside.
 */
#include "base/buffer.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"

void budget_init(struct budget *budget, size_t limit) {
    *budget = (struct budget){.limit = limit};
}

bool budget_spent(const struct budget *budget) {
    return budget->used >= budget->limit;
}

void budget_charge(struct budget *budget, size_t bytes) {
    CHECK(bytes <= SIZE_MAX - budget->used);
    budget->used += bytes;
}

void budget_release(struct budget *budget, size_t bytes) {
    CHECK(bytes <= budget->used);
    budget->used -= bytes;
    while (budget->waiters != NULL && !budget_spent(budget)) {
        struct budget_waiter *first = budget->waiters;
        budget_wait_cancel(budget, first);
        first->room(first);
    }
}

void budget_wait(struct budget *budget, struct budget_waiter *waiter) {
    CHECK(!waiter->waiting);
    waiter->waiting = true;
    DL_APPEND(budget->waiters, waiter);
    if (budget->wanted != NULL) budget->wanted(budget->wanted_arg);
}

void budget_wait_cancel(struct budget *budget, struct budget_waiter *waiter) {
    if (!waiter->waiting) return;
    waiter->waiting = false;
    DL_DELETE(budget->waiters, waiter);
}

bool budget_may_pass(struct budget *budget, const void *who) {
    if (!budget_spent(budget)) return true;
    if (budget->passer == NULL) budget->passer = who;
    return budget->passer == who;
}

void budget_end_pass(struct budget *budget, const void *who) {
    if (budget->passer != who) return;
    budget->passer = NULL;
    struct budget_waiter *last = budget->waiters != NULL ? budget->waiters->prev : NULL;
    for (bool more = last != NULL; more;) {
        struct budget_waiter *first = budget->waiters;
        more = first != last && first != NULL;
        if (first == NULL) break;
        budget_wait_cancel(budget, first);
        first->room(first);
    }
}

/* The bytes begin at a multiple of 16 behind the count. */
enum { BUFFER_HEAD = (sizeof(struct buffer) + 15) / 16 * 16 };

struct buffer *buffer_new(struct budget *budget, size_t size) {
    CHECK(size <= SIZE_MAX - BUFFER_HEAD);
    struct buffer *buffer = mem_alloc(BUFFER_HEAD + size);
    *buffer = (struct buffer){.references = 1, .size = size, .budget = budget, .data = (uint8_t *)buffer + BUFFER_HEAD};
    if (budget != NULL) budget_charge(budget, size);
    return buffer;
}

struct buffer *buffer_adopt(struct budget *budget, void *data, size_t size) {
    struct buffer *buffer = mem_alloc(sizeof *buffer);
    *buffer = (struct buffer){.references = 1, .size = size, .budget = budget, .free_data = mem_free, .data = data};
    if (budget != NULL) budget_charge(budget, size);
    return buffer;
}

void buffer_charge(struct buffer *buffer, struct budget *budget) {
    if (budget == NULL || buffer->budget == budget) return;
    CHECK(buffer->budget == NULL);
    buffer->budget = budget;
    budget_charge(budget, buffer->size);
}

void buffer_discharge(struct buffer *buffer) {
    struct budget *budget = buffer->budget;
    buffer->budget = NULL;
    if (budget != NULL) budget_release(budget, buffer->size);
}

struct buffer *buffer_ref(struct buffer *buffer) {
    CHECK(buffer->references > 0 && buffer->references < UINT32_MAX);
    buffer->references++;
    return buffer;
}

void buffer_unref(struct buffer *buffer) {
    if (buffer == NULL) return;
    CHECK(buffer->references > 0);
    if (--buffer->references > 0) return;
    struct budget *budget = buffer->budget;
    size_t size = buffer->size;
    if (buffer->free_data != NULL) buffer->free_data(buffer->data);
    mem_free(buffer);
    if (budget != NULL) budget_release(budget, size);
}

struct slice slice_of(struct buffer *buffer, size_t offset, size_t len) {
    CHECK(offset <= buffer->size && len <= buffer->size - offset);
    return (struct slice){.buffer = buffer_ref(buffer), .data = buffer->data + offset, .len = len};
}

struct slice slice_copy(struct budget *budget, const void *data, size_t len) {
    struct buffer *buffer = buffer_new(budget, len);
    if (len > 0) memcpy(buffer->data, data, len);
    return (struct slice){.buffer = buffer, .data = buffer->data, .len = len};
}

struct slice slice_adopt(struct budget *budget, void *data, size_t len) {
    return (struct slice){.buffer = buffer_adopt(budget, data, len), .data = data, .len = len};
}

struct slice slice_ref(struct slice slice) {
    if (slice.buffer != NULL) buffer_ref(slice.buffer);
    return slice;
}

void slice_unref(struct slice *slice) {
    struct buffer *buffer = slice->buffer;
    *slice = (struct slice){0};
    buffer_unref(buffer);
}
