/*
 * Whom a certificate names: ssl.principal.mapping.rules, as Kafka reads them (KIP-371).
 *
 *   RULE:pattern/replacement/[LU]   the whole name matches: the replacement, with $1 to $9 of the
 *                                   pattern's groups, in lower or upper case
 *   DEFAULT                         the name as it is
 *
 * Happy path: principal_rules_new once, principal_rules_apply for each certificate: the first rule
 * whose pattern matches decides. Failures: a sentence for rules that are none, or that say what
 * name_regex.h has not; a name that no rule takes, or for which they take too long, is nobody
 * (ERR_DENIED). Pure. Invariant: a name costs at most PRINCIPAL_STEPS_MAX steps, some 10 ns each,
 * whatever stands in it.
 */
#ifndef BROKER_TLS_PRINCIPAL_RULES_H
#define BROKER_TLS_PRINCIPAL_RULES_H

#include <stddef.h>

#include "base/error.h"

enum {
    PRINCIPAL_RULES_MAX = 32,
    PRINCIPAL_NAME_MAX = 2048, /* bytes of what certificates say, and of what comes of it */
    PRINCIPAL_STEPS_MAX = 200000,
};

struct principal_rules;
/* "" is DEFAULT. ERR_INVALID. */
int principal_rules_new(const char *text, struct principal_rules **rules, struct error_text *why);
void principal_rules_free(struct principal_rules *rules); /* NULL does nothing */
/* `into`: PRINCIPAL_NAME_MAX + 1 bytes. */
int principal_rules_apply(const struct principal_rules *rules, const char *name, char *into,
                          struct error_text *why);

#endif
