/*
 * The header of a segment file, read again or known without it.
 *
 * Blocks. What a damaged header must say follows from the chain of segments, where the segment is
 * raw; of one that may be cleaned (segment_format.h) its index says the rest. Failures: false.
 */
#ifndef STORAGE_HEAL_KNOWN_HEADER_H
#define STORAGE_HEAL_KNOWN_HEADER_H

#include "base/env.h"
#include "storage/segment/segment_format.h"

/* Reads that of the segment, or of its index. False: it is not there, not whole, or of another
 * segment or group. */
bool known_header_read(struct env *env, const char *group_path, uint64_t group, kafka_offset base,
                       enum segment_file_kind kind, struct segment_header *header);
/* Whether these bytes are no header of that segment: damaged, or of another one (a write that went
 * to a wrong place), rather than of a newer version. */
bool known_header_is_damaged(const uint8_t bytes[SEGMENT_HEADER_SIZE], uint64_t group,
                             kafka_offset base);
/* `chained` has group, base offset and first index, as they must be; `raw`: it was not cleaned.
 * Fills in the rest; false: it is not known. */
bool known_header_complete(struct env *env, const char *group_path, bool raw,
                           struct segment_header *chained);

#endif
