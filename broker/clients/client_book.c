/* A list by id, a small table of kinds of software, and a ring that is there while somebody asks.
 */
#include "broker/clients/client_book.h"

#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "base/text.h"

static void set_text(char into[CLIENT_TEXT], struct kp_string text) {
    size_t len = text.len < 0 ? 0 : (size_t)text.len;
    if (len >= CLIENT_TEXT) len = CLIENT_TEXT - 1;
    if (len > 0) memcpy(into, text.data, len);
    memset(into + len, 0, CLIENT_TEXT - len);
    text_make_plain(into);
}

/* ---- Who is connected ---- */

void client_book_close(struct client_book *book) {
    mem_free(book->traced);
    book->traced = NULL;
}

void client_book_add(struct client_book *book, struct client_entry *entry, uint64_t now_ms) {
    entry->id = ++book->last_id;
    entry->since_ms = now_ms;
    entry->software = &book->software[0];
    book->software[0].connections++;
    book->count++;
    DL_APPEND(book->entries, entry);
}

static void leave_software(struct client_book *book, const struct client_entry *entry) {
    if (entry->software == NULL)
        book->other_software--;
    else
        book->software[entry->software - book->software].connections--;
}

void client_book_remove(struct client_book *book, struct client_entry *entry) {
    leave_software(book, entry);
    book->count--;
    DL_DELETE(book->entries, entry);
}

void client_book_request(struct client_entry *entry, int16_t api_key, struct kp_string client_id,
                         uint64_t now_ms) {
    size_t len = client_id.len < 0 ? 0 : (size_t)client_id.len;
    size_t shown = len < CLIENT_TEXT ? len : CLIENT_TEXT - 1;
    entry->requests++;
    entry->last_ms = now_ms;
    entry->last_api = api_key;
    if (entry->client_id[shown] != '\0' ||
        (shown > 0 && memcmp(entry->client_id, client_id.data, shown) != 0))
        set_text(entry->client_id, client_id);
}

void client_book_name(struct client_book *book, struct client_entry *entry,
                      struct kp_string software, struct kp_string version) {
    struct client_software wanted = {.connections = 0}, *place = NULL;
    set_text(wanted.name, software);
    set_text(wanted.version, version);
    for (size_t i = 0; i < CLIENT_SOFTWARE_MOST; i++) {
        struct client_software *one = &book->software[i];
        if (strcmp(one->name, wanted.name) == 0 && strcmp(one->version, wanted.version) == 0) {
            place = one;
            break;
        }
        if (place == NULL && i > 0 && one->connections == 0) place = one;
    }
    leave_software(book, entry);
    entry->software = place;
    if (place == NULL) {
        book->other_software++;
        return;
    }
    wanted.connections = place->connections + 1;
    *place = wanted;
}

const struct client_entry *client_book_next(const struct client_book *book, uint64_t after) {
    const struct client_entry *entry = book->entries;
    while (entry != NULL && entry->id <= after)
        entry = entry->next;
    return entry;
}

/* ---- What they ask ---- */

void client_book_trace(struct client_book *book, uint64_t now_ms, struct kp_string client_id) {
    char wanted[CLIENT_TEXT];
    set_text(wanted, client_id);
    if (!client_book_traces(book, now_ms))
        memcpy(book->traced_client, wanted, sizeof wanted);
    else if (strcmp(book->traced_client, wanted) != 0)
        book->traced_client[0] = '\0';
    book->trace_until_ms = now_ms + CLIENT_TRACE_MS;
}

bool client_book_traces(const struct client_book *book, uint64_t now_ms) {
    return now_ms < book->trace_until_ms;
}

void client_book_note(struct client_book *book, uint64_t now_ms,
                      const struct traced_request *request) {
    if (!client_book_traces(book, now_ms)) {
        client_book_close(book);
        book->trace_until_ms = 0;
        return;
    }
    if (book->traced_client[0] != '\0' && strcmp(book->traced_client, request->client_id) != 0)
        return;
    if (book->traced == NULL) book->traced = mem_zalloc(CLIENT_TRACED_MOST * sizeof *book->traced);
    struct traced_request *place = &book->traced[++book->traced_id % CLIENT_TRACED_MOST];
    *place = *request;
    place->id = book->traced_id;
}

const struct traced_request *client_book_traced(const struct client_book *book, uint64_t after) {
    uint64_t oldest = book->traced_id > CLIENT_TRACED_MOST ? book->traced_id - CLIENT_TRACED_MOST
                                                           : 0;
    if (after < oldest) after = oldest;
    if (book->traced == NULL || after >= book->traced_id) return NULL;
    const struct traced_request *request = &book->traced[(after + 1) % CLIENT_TRACED_MOST];
    return request->id == after + 1 ? request : NULL;
}
