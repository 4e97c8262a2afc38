/* Recognising TLS and HTTP by their first four bytes. */
#include "base/io/foreign_protocol.h"

#include <stddef.h>

#define FOUR(a, b, c, d) \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* Record type 22, and the first byte of all versions (RFC 8446, 5.1). */
enum { TLS_HANDSHAKE = 0x1603 };

const char *foreign_protocol(uint32_t first) {
    static const struct {
        uint32_t first;
        const char *name;
    } known[] = {
        {FOUR('G', 'E', 'T', ' '), "HTTP"},
        {FOUR('H', 'E', 'A', 'D'), "HTTP"},
        {FOUR('P', 'O', 'S', 'T'), "HTTP"},
        {FOUR('P', 'U', 'T', ' '), "HTTP"},
        {FOUR('D', 'E', 'L', 'E'), "HTTP"},
        {FOUR('O', 'P', 'T', 'I'), "HTTP"},
        {FOUR('P', 'A', 'T', 'C'), "HTTP"},
        {FOUR('C', 'O', 'N', 'N'), "HTTP"},
        {FOUR('T', 'R', 'A', 'C'), "HTTP"},
        {FOUR('P', 'R', 'I', ' '), "HTTP/2"},
        {FOUR('S', 'S', 'H', '-'), "SSH"},
        {FOUR('P', 'R', 'O', 'X'), "the PROXY protocol"},
        {FOUR('\r', '\n', '\r', '\n'), "the PROXY protocol"},
    };
    if (first >> 16 == TLS_HANDSHAKE) return "TLS";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].first == first) return known[i].name;
    return NULL;
}
