/* See codec_output.h. */
#include "protocol/codec_output.h"

#include "base/check.h"
#include "base/mem.h"

void codec_output_init(struct codec_output *output, size_t first_capacity, size_t limit) {
    CHECK(limit < SIZE_MAX);
    size_t capacity = first_capacity < limit + 1 ? first_capacity : limit + 1;
    *output = (struct codec_output){.data = mem_alloc(capacity), .capacity = capacity, .limit = limit};
}

bool codec_output_reserve(struct codec_output *output, size_t more) {
    if (more > output->limit + 1 - output->len) return false;
    if (more <= output->capacity - output->len) return true;
    size_t capacity = output->capacity * 2;
    if (capacity < output->len + more) capacity = output->len + more;
    if (capacity > output->limit + 1) capacity = output->limit + 1;
    output->data = mem_realloc(output->data, capacity);
    output->capacity = capacity;
    return true;
}

bool codec_output_grow(struct codec_output *output) {
    return output->len <= output->limit && codec_output_reserve(output, 1);
}
