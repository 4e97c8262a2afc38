/*
 * How rows of the tables of settings are written, and the sentences that rows of brokers and of
 * topics share.
 *
 * A row with a type is obeyed. A row that is SO says what is so here and cannot be chosen: Kafka's
 * setting exists for those who ask for what they get anyway, and everything else is refused with
 * the sentence, because what is accepted is kept.
 */
#ifndef BROKER_CONFIG_SETTING_ROWS_H
#define BROKER_CONFIG_SETTING_ROWS_H

#include "base/settings.h"

#define TEXT(setting_name, value, sentence) \
    {.name = (setting_name),                \
     .type = SETTING_TEXT,                  \
     .fallback = (value),                   \
     .unit = "",                            \
     .help = (sentence)}
#define SECRET(setting_name, sentence) \
    {.name = (setting_name),           \
     .type = SETTING_TEXT,             \
     .fallback = "",                   \
     .unit = "",                       \
     .help = (sentence),               \
     .secret = true}
#define LIST(setting_name, value, sentence) \
    {.name = (setting_name),                \
     .type = SETTING_LIST,                  \
     .fallback = (value),                   \
     .unit = "",                            \
     .help = (sentence)}
#define LIST_OF(setting_name, value, names, sentence) \
    {.name = (setting_name),                          \
     .type = SETTING_LIST,                            \
     .fallback = (value),                             \
     .choices = (names),                              \
     .unit = "",                                      \
     .help = (sentence)}
#define DECIMAL(setting_name, value, least, most, sentence) \
    {.name = (setting_name),                                \
     .type = SETTING_DECIMAL,                               \
     .fallback = (value),                                   \
     .min = (least),                                        \
     .max = (most),                                         \
     .unit = "",                                            \
     .help = (sentence)}
#define NUMBER(setting_name, value, least, most, measure, sentence) \
    {.name = (setting_name),                                        \
     .type = SETTING_INT,                                           \
     .fallback = (value),                                           \
     .min = (least),                                                \
     .max = (most),                                                 \
     .unit = (measure),                                             \
     .help = (sentence)}
#define SWITCH(setting_name, value, sentence) \
    {.name = (setting_name),                  \
     .type = SETTING_BOOL,                    \
     .fallback = (value),                     \
     .unit = "",                              \
     .help = (sentence)}
#define CHOICE(setting_name, value, names, sentence) \
    {.name = (setting_name),                         \
     .type = SETTING_CHOICE,                         \
     .fallback = (value),                            \
     .choices = (names),                             \
     .unit = "",                                     \
     .help = (sentence)}

/* `kind` is what Kafka has; of SETTING_INT `most` tells int from long. */
#define SO_EITHER(setting_name, kind, most, value, other, sentence) \
    {.name = (setting_name),                                        \
     .type = (kind),                                                \
     .fallback = (value),                                           \
     .max = (most),                                                 \
     .unit = "",                                                    \
     .help = (sentence),                                            \
     .fixed = true,                                                 \
     .also = (other)}
#define SO_TEXT(setting_name, value, sentence) \
    SO_EITHER(setting_name, SETTING_TEXT, 0, value, NULL, sentence)
#define SO_LIST(setting_name, value, sentence) \
    SO_EITHER(setting_name, SETTING_LIST, 0, value, NULL, sentence)
#define SO_SWITCH(setting_name, value, sentence) \
    SO_EITHER(setting_name, SETTING_BOOL, 0, value, NULL, sentence)
#define SO_INT(setting_name, value, sentence) \
    SO_EITHER(setting_name, SETTING_INT, INT32_MAX, value, NULL, sentence)

enum { KIB = 1024, MIB = 1024 * KIB, GIB = 1024 * MIB };
#define INT_MOST "2147483647"
#define LONG_MOST "9223372036854775807"
#define WEEK_MS "604800000"

#define NO_TIERS "Records are stored on the brokers alone."
#define NO_LEVELS "Batches are compressed with this level where compression.type asks for it."
#define NO_THROTTLES \
    "What replicas lack is fetched at recovery.bytes.per.second of each broker, not throttled by topic."
#define ALWAYS_FLUSHED \
    "Each acknowledged batch is flushed to the disks of a majority first, whatever this says."
#define NEVER_UNCLEAN "A replica that lacks acknowledged records never leads."
#define NOT_PREALLOCATED "Segments grow as they are written; the journal is what is preallocated."
#define NO_INDEX_LIMIT \
    "An index has no limit of its own; it is as long as its segment needs, whatever this says."

/* Of permissions. */
#define AUTHORIZER_CLASS                                                          \
    "Empty: every client may do everything; "                                     \
    "org.apache.kafka.metadata.authorizer.StandardAuthorizer: what the rules of " \
    "the cluster allow (drave acl)."
#define AUTHORIZER_MODE \
    "observe lets everything through, and says on the log what enforce would refuse."
#define SUPER_USERS                                                                          \
    "Who may do everything, whatever rules say: TYPE:NAME, for example User:admin, several " \
    "with semicolons."
#define LOGIN_SIZE "The largest request of a client that has not logged in yet."
#define LOGIN_AGAIN "A client logs in again after so long, or is closed; 0: once is enough."
#define LOGIN_DELAY                                                                        \
    "How long a login that failed waits for its answer; twice as long each time that its " \
    "address fails again within a minute, up to 5000."
#define FIRST_USERS                                                                        \
    "A file with the first users, lines of drave user hash, readable by the owner alone; " \
    "looked at while the cluster has no user."
#define JWKS_URL                                                                          \
    "With OAUTHBEARER: the file with the keys that sign tokens (a JSON Web Key Set), as " \
    "file:///etc/drave/jwks.json; https is not served."
#define JWKS_REFRESH                                                                          \
    "How often that file is looked at; SIGHUP, and a token with a key that is not in it, do " \
    "it at once."
#define TOKEN_ISSUER "What a token has to have as \"iss\"; needed with OAUTHBEARER."
#define TOKEN_AUDIENCE "Of these a token has to have one as \"aud\"; needed with OAUTHBEARER."
#define TOKEN_SKEW "By how much the clock of who issues tokens may differ."
#define ALLOW_EVERYONE "Whether everybody may use a resource for which there is no rule at all."

#endif
