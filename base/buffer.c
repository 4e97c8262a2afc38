/*
 * Buffers and slices: buffer_new takes one piece of heap for the count and the bytes; the last
 * unref gives it back and then releases the charge.
 */
#include "base/buffer.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* The bytes begin at a multiple of 16 behind the count. */
enum { BUFFER_HEAD = (sizeof(struct buffer) + 15) / 16 * 16 };

struct buffer *buffer_new(struct budget *budget, size_t size) {
    CHECK(size <= SIZE_MAX - BUFFER_HEAD);
    struct buffer *buffer = mem_alloc(BUFFER_HEAD + size);
    *buffer = (struct buffer){
        .references = 1, .size = size, .budget = budget, .data = (uint8_t *)buffer + BUFFER_HEAD};
    if (budget != NULL) budget_charge(budget, size);
    return buffer;
}

struct buffer *buffer_adopt(struct budget *budget, void *data, size_t size) {
    struct buffer *buffer = mem_alloc(sizeof *buffer);
    *buffer = (struct buffer){
        .references = 1, .size = size, .budget = budget, .free_data = mem_free, .data = data};
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
