/* Growing the output by doubling, never past its limit. */
#include "protocol/record/codec_output.h"

#include <string.h>

#include "base/mem.h"

void codec_output_init(struct codec_output *output, size_t first_capacity, size_t limit) {
    size_t capacity = first_capacity < limit ? first_capacity : limit;
    *output = (struct codec_output){
        .data = mem_alloc(capacity), .capacity = capacity, .limit = limit};
}

static bool reserve(struct codec_output *output, size_t more) {
    if (more > output->limit - output->len) return false;
    if (more <= output->capacity - output->len) return true;
    size_t capacity = output->capacity > output->limit / 2 ? output->limit : output->capacity * 2;
    if (capacity < output->len + more) capacity = output->len + more;
    output->data = mem_realloc(output->data, capacity);
    output->capacity = capacity;
    return true;
}

bool codec_output_grow(struct codec_output *output) {
    return reserve(output, 1);
}

bool codec_output_append(struct codec_output *output, const void *data, size_t len) {
    if (!reserve(output, len)) return false;
    if (len > 0) memcpy(output->data + output->len, data, len);
    output->len += len;
    return true;
}
