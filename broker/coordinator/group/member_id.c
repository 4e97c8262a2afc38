/* A prefix that people recognise, and a random UUID. */
#include "broker/coordinator/group/member_id.h"

#include <stdio.h>
#include <string.h>

struct shared_bytes *member_id_new(const struct group_table *table, const struct group_join *join) {
    enum { PREFIX_MAX = 1000, UUID_TEXT = 37 };
    struct kp_string prefix = join->instance_id.len >= 0 ? join->instance_id : join->client_id;
    char text[PREFIX_MAX + 1 + UUID_TEXT];
    uint8_t r[16];
    int most = table->settings->group_id_max_bytes - UUID_TEXT; /* 64 at least (the table) */
    if (most > PREFIX_MAX) most = PREFIX_MAX;
    int len = prefix.len < most ? prefix.len : most;
    env_random(table->env, r, sizeof r);
    r[6] = (uint8_t)(0x40 | (r[6] & 0x0f)); /* RFC 4122: version 4 */
    r[8] = (uint8_t)(0x80 | (r[8] & 0x3f));
    if (len > 0) memcpy(text, prefix.data, (size_t)len);
    len += snprintf(text + len, 1 + UUID_TEXT,
                    "-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                    r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12],
                    r[13], r[14], r[15]);
    return shared_bytes_of(NULL, text, len);
}
