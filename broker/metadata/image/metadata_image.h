/*
 * The metadata table as bytes: what a start of a broker, or one that was away, gets instead of all
 * commands that made it (KIP-630).
 *
 * An image is parts, one behind the other: u8 kind, u32 little-endian length, a struct in Kafka's
 * flexible encoding (protocol/schema.h), to which tagged fields may be added. First the head, with
 * the counters; then brokers, the roster, who was retired, topics with their partitions in the
 * order in which they were made, what else has settings, the requests that changed it, plans,
 * levels of features, users, rules of who may do what, quotas.
 *
 * Happy path: a part for each row is encoded; each part is read into a table that nobody sees yet
 * (metadata_restoring.h). Failures of reading: ERR_MALFORMED, also where the parts contradict each
 * other or the invariants of metadata.h; ERR_VERSION (a format or part that this program does not
 * know); ERR_TOO_LARGE (arena). Pure. Invariant: a table that was read says what the one says that
 * was written, also in what walks over it meet first, and applies the next command alike.
 */
#ifndef BROKER_METADATA_IMAGE_METADATA_IMAGE_H
#define BROKER_METADATA_IMAGE_METADATA_IMAGE_H

#include "base/buffer.h"
#include "broker/metadata/metadata_rows.h"

enum {
    IMAGE_FORMAT = 1,
    IMAGE_PART_HEAD = 5, /* bytes before each part */
    IMAGE_PART_MAX = 64 << 20,
};

/* ---- Writing: each gives one part, the caller's ---- */

struct slice image_of_head(const struct metadata *metadata);
struct slice image_of_broker(const struct broker_row *row);
struct slice image_of_roster(const struct metadata *metadata);
struct slice image_of_retired(const struct metadata *metadata);
struct slice image_of_topic(const struct topic_row *row);
struct slice image_of_resource(const struct metadata_resource *resource);
struct slice image_of_requests(const struct metadata_resources *resources);
struct slice image_of_plans(const struct metadata *metadata);
struct slice image_of_features(const struct metadata *metadata);
struct slice image_of_users(const struct metadata *metadata);
struct slice image_of_acls(const struct metadata *metadata);
struct slice image_of_quotas(const struct metadata *metadata);

/* ---- Reading ---- */

/* An image that is read, part after part, and a topic of many partitions in several steps. */
struct image_reader {
    struct metadata *into; /* empty at the beginning: metadata_new */
    log_index index;       /* of the last entry that the image is of: none that made it is above */
    const uint8_t *bytes;
    size_t len, at;
    /* Inside. */
    uint8_t last_kind;
    uint64_t last_topic; /* `created` of it */
    size_t planned;      /* partitions with a plan */
    bool has_plans;
    struct topic_row *topic;   /* whose partitions are being read; NULL: nobody's */
    struct kp_reader of_topic; /* at the next of them */
    int32_t partitions;        /* that it is to have */
};

/* Whether parts and format are those of this version; what is in the parts is not looked at. */
bool image_is_known(struct slice image);
/* The next part, or some partitions of one. ERR_NONE; ERR_EOF: that was all, and it is whole. */
int image_read_part(struct image_reader *reader);

#endif
