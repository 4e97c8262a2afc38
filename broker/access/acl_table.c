/*
 * Rows in order, and the index beside them: one hash of nodes, which are patterns (of a kind of
 * resource and a name or prefix), principals and hosts.
 *
 * A pattern has grants, sorted by the ids of principal and host; a principal or host that no rule
 * names has no node, so that only what is granted to all can hold for it. Hashes are FNV-1a, so
 * that those of a name's prefixes come by the way; who chooses what is hashed may set rules, or may
 * only look for nodes, which makes none.
 */
#include "broker/access/acl_table.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct acl_length {
    uint32_t len, nodes;
};

struct acl_grant {
    uint64_t principal, host;
    uint32_t allowed, denied; /* bit n: operation n */
};

/* The hash beside it says of nearly all nodes that they are others, without a look at them. */
struct acl_slot {
    uint64_t hash;
    struct acl_node *node; /* NULL: free */
};

/* Which names are the node's. */
enum space {
    PRINCIPALS = 1,
    HOSTS = 2,
    LITERALS = 16,
    PREFIXES = 32
}; /* the last two + resource */

struct acl_node {
    uint64_t hash, id;
    size_t refs; /* rows */
    struct acl_grant *grants;
    size_t grant_count, grant_room;
    uint32_t len;
    uint8_t space;
    char text[];
};

struct acl_row {
    struct acl_rule rule;
    struct acl_node *pattern, *principal, *host;
    char texts[];
};

enum { ANYBODY = 0, ANYWHERE = 0 }; /* ids */
static const char EVERY[] = "*";

/* ---- Nodes ---- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static uint64_t hash_on(uint64_t hash, const char *data, size_t len) {
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of a text in its space. */
static uint64_t hash_in(uint64_t hash, int space) {
    return hash ^ (uint64_t)space << 56;
}

static uint64_t hash_of(int space, const char *data, size_t len) {
    return hash_in(hash_on(HASH_BEGIN, data, len), space);
}

static size_t home_of(const struct acl_table *table, uint64_t hash) {
    hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15); /* FNV's low bits are alike */
    return (size_t)(hash >> 32) & (table->slot_count - 1);
}

static struct acl_node *find(const struct acl_table *table, uint64_t hash, int space,
                             const char *text, size_t len) {
    if (table->slot_count == 0) return NULL;
    size_t at = home_of(table, hash);
    for (; table->slots[at].node != NULL; at = (at + 1) & (table->slot_count - 1)) {
        struct acl_node *node = table->slots[at].node;
        if (table->slots[at].hash == hash && node->space == space && node->len == len &&
            (len == 0 || memcmp(node->text, text, len) == 0))
            return node;
    }
    return NULL;
}

static void place(struct acl_table *table, struct acl_node *node) {
    size_t at = home_of(table, node->hash);
    while (table->slots[at].node != NULL)
        at = (at + 1) & (table->slot_count - 1);
    table->slots[at] = (struct acl_slot){node->hash, node};
}

/* Half of the slots are free. */
static void make_room(struct acl_table *table) {
    enum { LEAST = 64 };
    if (2 * (table->node_count + 1) <= table->slot_count) return;
    size_t count = table->slot_count;
    struct acl_slot *slots = table->slots;
    table->slot_count = count == 0 ? LEAST : 2 * count;
    table->slots = mem_zalloc(table->slot_count * sizeof *table->slots);
    for (size_t i = 0; i < count; i++)
        if (slots[i].node != NULL) place(table, slots[i].node);
    mem_free(slots);
}

static struct acl_node *node_take(struct acl_table *table, int space, struct kp_string text) {
    size_t len = (size_t)text.len;
    uint64_t hash = hash_of(space, text.data, len);
    struct acl_node *node = find(table, hash, space, text.data, len);
    if (node == NULL) {
        make_room(table);
        node = mem_zalloc(sizeof *node + len);
        node->hash = hash;
        node->id = ++table->next_id;
        node->space = (uint8_t)space;
        node->len = (uint32_t)len;
        memcpy(node->text, text.data, len);
        place(table, node);
        table->node_count++;
    }
    node->refs++;
    return node;
}

/* Those behind it, up to the next free slot, are placed again. */
static void node_drop(struct acl_table *table, struct acl_node *node) {
    if (--node->refs > 0) return;
    size_t mask = table->slot_count - 1, at = home_of(table, node->hash);
    while (table->slots[at].node != node)
        at = (at + 1) & mask;
    table->slots[at].node = NULL;
    for (struct acl_node *next; (next = table->slots[at = (at + 1) & mask].node) != NULL;) {
        table->slots[at].node = NULL;
        place(table, next);
    }
    table->node_count--;
    mem_free(node->grants);
    mem_free(node);
}

/* ---- Grants of a pattern ---- */

static size_t grant_place(const struct acl_node *node, uint64_t principal, uint64_t host) {
    size_t from = 0, to = node->grant_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct acl_grant *grant = &node->grants[middle];
        if (grant->principal < principal || (grant->principal == principal && grant->host < host))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct acl_grant *grant_at(const struct acl_node *node, uint64_t principal, uint64_t host) {
    size_t at = grant_place(node, principal, host);
    return at < node->grant_count && node->grants[at].principal == principal &&
                   node->grants[at].host == host
               ? &node->grants[at]
               : NULL;
}

static struct acl_grant *grant_take(struct acl_node *node, uint64_t principal, uint64_t host) {
    struct acl_grant *grant = grant_at(node, principal, host);
    if (grant != NULL) return grant;
    size_t at = grant_place(node, principal, host);
    node->grants = mem_grow(node->grants, node->grant_count, &node->grant_room,
                            sizeof *node->grants);
    memmove(node->grants + at + 1, node->grants + at,
            (node->grant_count - at) * sizeof *node->grants);
    node->grant_count++;
    node->grants[at] = (struct acl_grant){.principal = principal, .host = host};
    return &node->grants[at];
}

static void grant_drop(struct acl_node *node, struct acl_grant *grant) {
    if (grant->allowed != 0 || grant->denied != 0) return;
    size_t at = (size_t)(grant - node->grants);
    node->grant_count--;
    memmove(grant, grant + 1, (node->grant_count - at) * sizeof *grant);
}

/* ---- Lengths of prefixes ---- */

static void lengths_add(struct acl_lengths *lengths, uint32_t len) {
    size_t at = 0;
    while (at < lengths->count && lengths->items[at].len < len)
        at++;
    if (at == lengths->count || lengths->items[at].len != len) {
        lengths->items = mem_grow(lengths->items, lengths->count, &lengths->room,
                                  sizeof *lengths->items);
        memmove(lengths->items + at + 1, lengths->items + at,
                (lengths->count - at) * sizeof *lengths->items);
        lengths->count++;
        lengths->items[at] = (struct acl_length){.len = len};
    }
    lengths->items[at].nodes++;
}

static void lengths_remove(struct acl_lengths *lengths, uint32_t len) {
    size_t at = 0;
    while (lengths->items[at].len != len)
        at++;
    if (--lengths->items[at].nodes > 0) return;
    lengths->count--;
    memmove(lengths->items + at, lengths->items + at + 1,
            (lengths->count - at) * sizeof *lengths->items);
}

/* ---- Rows ---- */

static size_t row_place(const struct acl_table *table, const struct acl_rule *rule) {
    size_t from = 0, to = table->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (acl_rule_compare(&table->rows[middle]->rule, rule) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const struct acl_table *table, size_t at, const struct acl_rule *rule) {
    return at < table->count && acl_rule_compare(&table->rows[at]->rule, rule) == 0;
}

static struct kp_string keep(char **room, struct kp_string text) {
    struct kp_string kept = {.data = *room, .len = text.len};
    memcpy(*room, text.data, (size_t)text.len);
    *room += text.len;
    return kept;
}

static uint64_t principal_id(const struct acl_row *row) {
    return row->principal == NULL ? ANYBODY : row->principal->id;
}

static uint64_t host_id(const struct acl_row *row) {
    return row->host == NULL ? ANYWHERE : row->host->id;
}

static struct acl_row *row_new(struct acl_table *table, const struct acl_rule *rule) {
    size_t len = (size_t)rule->name.len + (size_t)rule->principal.len + (size_t)rule->host.len;
    struct acl_row *row = mem_zalloc(sizeof *row + len);
    char *room = row->texts;
    row->rule = *rule;
    row->rule.name = keep(&room, rule->name);
    row->rule.principal = keep(&room, rule->principal);
    row->rule.host = keep(&room, rule->host);
    int space = (rule->pattern == ACL_LITERAL ? LITERALS : PREFIXES) + rule->resource;
    row->pattern = node_take(table, space, rule->name);
    if (row->pattern->refs == 1 && rule->pattern == ACL_PREFIXED)
        lengths_add(&table->lengths[rule->resource], row->pattern->len);
    if (!kp_string_is(rule->principal, ACL_ANYBODY))
        row->principal = node_take(table, PRINCIPALS, rule->principal);
    if (rule->pattern == ACL_LITERAL && kp_string_is(rule->name, EVERY))
        table->every[rule->resource] = row->pattern;
    if (!kp_string_is(rule->host, EVERY)) row->host = node_take(table, HOSTS, rule->host);
    table->host_count += row->host != NULL;
    struct acl_grant *grant = grant_take(row->pattern, principal_id(row), host_id(row));
    *(rule->permission == ACL_DENY ? &grant->denied : &grant->allowed) |= 1u << rule->operation;
    return row;
}

static void row_free(struct acl_table *table, struct acl_row *row) {
    struct acl_node *pattern = row->pattern;
    struct acl_grant *grant = grant_at(pattern, principal_id(row), host_id(row));
    const struct acl_rule *rule = &row->rule;
    if (pattern == table->every[rule->resource] && pattern->refs == 1)
        table->every[rule->resource] = NULL;
    *(rule->permission == ACL_DENY ? &grant->denied : &grant->allowed) &= ~(1u << rule->operation);
    grant_drop(pattern, grant);
    if (pattern->refs == 1 && rule->pattern == ACL_PREFIXED)
        lengths_remove(&table->lengths[rule->resource], pattern->len);
    node_drop(table, pattern);
    if (row->principal != NULL) node_drop(table, row->principal);
    if (row->host != NULL) node_drop(table, row->host);
    table->host_count -= row->host != NULL;
    mem_free(row);
}

bool acl_table_add(struct acl_table *table, const struct acl_rule *rule) {
    CHECK(acl_rule_fault(rule) == NULL); /* as the contract says */
    size_t at = row_place(table, rule);
    if (is_at(table, at, rule)) return false;
    struct acl_row *row = row_new(table, rule);
    table->rows = mem_grow(table->rows, table->count, &table->room, sizeof(struct acl_row *));
    memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof(struct acl_row *));
    table->rows[at] = row;
    table->count++;
    return true;
}

bool acl_table_remove(struct acl_table *table, const struct acl_rule *rule) {
    size_t at = row_place(table, rule);
    if (!is_at(table, at, rule)) return false;
    row_free(table, table->rows[at]);
    table->count--;
    memmove(table->rows + at, table->rows + at + 1, (table->count - at) * sizeof(struct acl_row *));
    return true;
}

bool acl_table_has(const struct acl_table *table, const struct acl_rule *rule) {
    return is_at(table, row_place(table, rule), rule);
}

size_t acl_table_behind(const struct acl_table *table, const struct acl_rule *rule) {
    size_t at = row_place(table, rule);
    return at + is_at(table, at, rule);
}

const struct acl_rule *acl_table_at(const struct acl_table *table, size_t at) {
    return &table->rows[at]->rule;
}

void acl_table_close(struct acl_table *table) {
    for (size_t i = 0; i < table->count; i++)
        row_free(table, table->rows[i]);
    for (size_t i = 0; i < AUTHORIZE_RESOURCES; i++)
        mem_free(table->lengths[i].items);
    mem_free(table->rows);
    mem_free(table->slots);
    memset(table, 0, sizeof *table);
}

/* ---- Questions ---- */

struct question {
    const struct acl_node *principal, *host; /* NULL: no rule names it */
    uint32_t allowing, denying;              /* operations */
    bool found, allowed, denied;
};

static uint32_t bit(int operation) {
    return 1u << operation;
}

/* The operations of which one is enough where it is allowed. */
static uint32_t allowing(enum authorize_operation operation) {
    uint32_t bits = bit(AUTHORIZE_ALL) | bit((int)operation);
    if (operation == AUTHORIZE_DESCRIBE)
        bits |= bit(AUTHORIZE_READ) | bit(AUTHORIZE_WRITE) | bit(AUTHORIZE_DELETE) |
                bit(AUTHORIZE_ALTER);
    if (operation == AUTHORIZE_DESCRIBE_CONFIGS) bits |= bit(AUTHORIZE_ALTER_CONFIGS);
    return bits;
}

static struct question question_of(const struct acl_table *table, const struct acl_asker *asker,
                                   enum authorize_operation operation) {
    size_t principal = (size_t)asker->principal.len, host = (size_t)asker->host.len;
    return (struct question){
        .principal = find(table, hash_of(PRINCIPALS, asker->principal.data, principal), PRINCIPALS,
                          asker->principal.data, principal),
        .host = table->host_count == 0 ? NULL
                                       : find(table, hash_of(HOSTS, asker->host.data, host), HOSTS,
                                              asker->host.data, host),
        .allowing = allowing(operation),
        .denying = bit(AUTHORIZE_ALL) | bit((int)operation)};
}

static void look_at_grant(struct question *question, const struct acl_grant *grant) {
    if (grant == NULL) return;
    question->denied = question->denied || (grant->denied & question->denying) != 0;
    question->allowed = question->allowed || (grant->allowed & question->allowing) != 0;
}

static void look_at(struct question *question, const struct acl_node *pattern) {
    if (pattern == NULL) return;
    question->found = true;
    look_at_grant(question, grant_at(pattern, ANYBODY, ANYWHERE));
    if (question->host != NULL)
        look_at_grant(question, grant_at(pattern, ANYBODY, question->host->id));
    if (question->principal == NULL) return;
    look_at_grant(question, grant_at(pattern, question->principal->id, ANYWHERE));
    if (question->host != NULL)
        look_at_grant(question, grant_at(pattern, question->principal->id, question->host->id));
}

/* Returns the hash of the whole name. */
static uint64_t look_at_prefixes(const struct acl_table *table, struct question *question,
                                 enum authorize_resource resource, struct kp_string name) {
    const struct acl_lengths *lengths = &table->lengths[resource];
    int space = PREFIXES + (int)resource;
    uint64_t hash = HASH_BEGIN;
    size_t len = 0;
    for (size_t i = 0; i < lengths->count && lengths->items[i].len <= (uint32_t)name.len; i++) {
        hash = hash_on(hash, name.data + len, lengths->items[i].len - len);
        len = lengths->items[i].len;
        look_at(question, find(table, hash_in(hash, space), space, name.data, len));
    }
    return hash_on(hash, name.data + len, (size_t)name.len - len);
}

enum acl_answer acl_table_ask(const struct acl_table *table, const struct acl_asker *asker,
                              enum authorize_operation operation, enum authorize_resource resource,
                              struct kp_string name) {
    struct question question = question_of(table, asker, operation);
    int space = LITERALS + (int)resource;
    look_at(&question, table->every[resource]);
    uint64_t hash = look_at_prefixes(table, &question, resource, name);
    look_at(&question, find(table, hash_in(hash, space), space, name.data, (size_t)name.len));
    return question.denied    ? ACL_FORBIDS
           : question.allowed ? ACL_ALLOWS
           : question.found   ? ACL_SAYS_NO
                              : ACL_SAYS_NOTHING;
}

/* Whether what is allowed for a pattern is denied for all that it stands for. */
static bool is_covered(const struct acl_table *table, const struct question *asked,
                       const struct acl_row *row) {
    struct question question = *asked;
    if (row->rule.pattern == ACL_LITERAL) look_at(&question, row->pattern);
    look_at_prefixes(table, &question, (enum authorize_resource)row->rule.resource, row->rule.name);
    return question.denied;
}

static bool is_for(const struct acl_row *row, const struct question *question) {
    return (row->principal == NULL || row->principal == question->principal) &&
           (row->host == NULL || row->host == question->host);
}

bool acl_table_allows_some(const struct acl_table *table, const struct acl_asker *asker,
                           enum authorize_operation operation, enum authorize_resource resource) {
    struct question question = question_of(table, asker, operation), all = question;
    question.allowing = question.denying; /* of what is implied nothing counts here */
    look_at(&all, table->every[resource]);
    if (all.denied) return false;
    for (size_t i = 0; i < table->count; i++) {
        const struct acl_row *row = table->rows[i];
        const struct acl_rule *rule = &row->rule;
        if (rule->resource != (int8_t)resource || rule->permission != ACL_ALLOW ||
            (question.allowing & bit(rule->operation)) == 0 || !is_for(row, &question))
            continue;
        bool every = rule->pattern == ACL_LITERAL && kp_string_is(rule->name, EVERY);
        if (every || !is_covered(table, &question, row)) return true;
    }
    return false;
}
