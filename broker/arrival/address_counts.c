/* A hash of addresses; strangers choose only among those from which they can open connections. */
#include "broker/arrival/address_counts.h"

#include <string.h>

#include <uthash.h>

#include "base/check.h"
#include "base/mem.h"

enum { ADDRESS_MAX = 64 };

struct address_count {
    char address[ADDRESS_MAX]; /* without the port */
    uint32_t count;
    UT_hash_handle hh;
};

struct address_count *address_counts_enter(struct address_count **counts, const char *peer,
                                           uint32_t most) {
    const char *port = strrchr(peer, ':');
    size_t len = port == NULL ? strlen(peer) : (size_t)(port - peer);
    struct address_count *address = NULL;
    CHECK(len < ADDRESS_MAX); /* env_stream_peer's text is no longer */
    HASH_FIND(hh, *counts, peer, len, address);
    if (address != NULL && most > 0 && address->count >= most) return NULL;
    if (address == NULL) {
        address = mem_zalloc(sizeof *address);
        memcpy(address->address, peer, len);
        HASH_ADD_KEYPTR(hh, *counts, address->address, len, address);
    }
    address->count++;
    return address;
}

void address_counts_leave(struct address_count **counts, struct address_count *address) {
    CHECK(address->count > 0); /* one leave for each enter */
    if (--address->count > 0) return;
    HASH_DELETE(hh, *counts, address);
    mem_free(address);
}
