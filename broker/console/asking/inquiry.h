/*
 * One request of a browser under way: it asks brokers, all at once or one step after the other, and
 * is answered with JSON.
 *
 * Happy path: a route begins (`begin`), asks with inquiry_ask, and names with inquiry_then what
 * goes on when all have answered or failed; the last step writes JSON and calls inquiry_respond.
 * Failures: a broker that does not answer leaves its ask with an error, and the others count;
 * inquiry_refuse ends it with a status and a sentence. Everything lives in the arena, within
 * INQUIRY_MEMORY. Invariants: it ends exactly once; of a browser that has gone nothing goes on.
 */
#ifndef BROKER_CONSOLE_ASKING_INQUIRY_H
#define BROKER_CONSOLE_ASKING_INQUIRY_H

#include "base/log.h"
#include "broker/console/asking/json_text.h"
#include "broker/console/asking/upstream.h"
#include "broker/http/http_server.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/metadata.h"

enum { INQUIRY_MEMORY = 32 << 20, INQUIRY_ASKS = 512, INQUIRY_NAME = 2048 };

struct inquiry;

/* What all inquiries of a console share; whoever has it fills in what stands first. */
struct asker {
    struct env *env;
    struct log *log;         /* a line for each change */
    int32_t node;            /* of the broker that serves the console */
    const char *broker_host; /* where its first listener is reached from this machine; stays */
    /* The port of that listener; 0: it takes no clients yet. */
    int (*broker_port)(void *arg);
    void *arg;
    const char *tag, *lines; /* of answers: http_respond_with; both stay */
    struct upstream *upstream;
    struct inquiry *inquiries; /* under way */
    unsigned inquiry_count;
};

/* One question to one broker. */
struct ask {
    struct upstream_call call;
    struct inquiry *inquiry;
    struct ask *next; /* asked before */
    int32_t node;     /* the caller's */
    bool over;
    int error;      /* once it is over; ERR_NONE: there is a response */
    void *response; /* of the API's struct */
};

struct inquiry {
    struct asker *asker;
    struct http_exchange *exchange; /* NULL: answered, or the browser has gone */
    const struct http_request *request;
    struct kp_arena arena;
    struct ask *asks; /* the last one first */
    unsigned pending, asked;
    bool stepping;
    struct env_task later; /* runs go_on in a later turn: inquiry_later */
    void (*then)(struct inquiry *inquiry);
    void (*after)(struct inquiry *inquiry); /* a helper's, when its own steps are done */
    struct json json;
    struct kp_describe_cluster_response *cluster; /* once inquiry_cluster has asked */
    struct kp_metadata_response *metadata;        /* ... inquiry_metadata */
    int32_t coordinator;                          /* ... inquiry_coordinator */
    void *state;                                  /* the route's */
    const char *tried;   /* a change that a broker was asked for and whose end is not known: said on
                            the log when the inquiry ends so; NULL: none */
    const char *at;      /* in place of ?at=; NULL: what that says */
    const char *goes_on; /* where console_records says to go on */
    /* Gets the answer in place of the browser, and is not called when that has gone. NULL: the
     * browser gets it. Takes the slice over. */
    void (*answered)(struct inquiry *inquiry, int status, struct slice json);
    void *owner;                 /* its */
    struct inquiry *next, *prev; /* the asker's */
};

/* Memory of the inquiry, zeroed. NULL: too much; the inquiry was refused. */
void *inquiry_alloc(struct inquiry *inquiry, size_t size);
/* The value of that name in the query, or in the body of a POST, decoded; NULL: there is none, it
 * is longer than INQUIRY_NAME, or the inquiry has ended. */
const char *inquiry_value(struct inquiry *inquiry, const char *name);
/* The same of any length. */
const char *inquiry_long_value(struct inquiry *inquiry, const char *name);
/* A number of the query within least and most, `fallback` where nothing is said. What is no number
 * is refused with 400: it is not to count as something else. */
int64_t inquiry_number(struct inquiry *inquiry, const char *name, int64_t fallback, int64_t least,
                       int64_t most);

/* Asks the broker of `node` as the cluster is known (-1: the one that serves the console), with a
 * `response` of that size. `version_max` 0: any. NULL: there is no such broker, or too much was
 * asked. */
struct ask *inquiry_ask(struct inquiry *inquiry, int32_t node, enum kp_api_key key, int version_min,
                        int version_max, const void *request, size_t response_size);
/* What was answered to the question that was asked last, which is of that API. NULL: nothing, or it
 * was not asked at all. */
const void *inquiry_answer(const struct inquiry *inquiry, enum kp_api_key key);
/* Gives back the bytes of the answers asked for since inquiry->asks was `before`: what was decoded
 * from them is not to be looked at any more. */
void inquiry_drop_frames(struct inquiry *inquiry, const struct ask *before);
/* What goes on when all that was asked is over; at once if nothing was. From inside a step. */
void inquiry_then(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry));
/* The same, in a later turn: of all inquiries whose next step is heavy a turn has one. */
void inquiry_later(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry));

/* Asks who the brokers are, then goes on. Refuses with 502 if our own does not answer. */
void inquiry_cluster(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry));
/* The same, and then Metadata of one topic (NULL: of all). A topic that does not exist is left to
 * the caller. */
void inquiry_metadata(struct inquiry *inquiry, const char *topic,
                      void (*then)(struct inquiry *inquiry));
/* The topic that was asked for by its name; NULL: refused with 404. */
const struct kp_metadata_response_topic *inquiry_topic(struct inquiry *inquiry, const char *name);

/* Who coordinates that group, once the cluster is known, and then `then`. Refuses it where nobody
 * does. */
void inquiry_coordinator(struct inquiry *inquiry, const char *group,
                         void (*then)(struct inquiry *inquiry));

/* Ends it, with what inquiry->json has. */
void inquiry_respond(struct inquiry *inquiry);
/* Ends it: {"error": {"code": ..., "text": ...}}. */
void inquiry_refuse(struct inquiry *inquiry, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- The console's ---- */

/* Under way from here on; ends by itself, or with the browser. */
void inquiry_begin(struct asker *asker, struct http_exchange *exchange,
                   void (*begin)(struct inquiry *inquiry));
void inquiry_gone(struct inquiry *inquiry);
/* One step of what goes on (console_tail): `answered` gets its answer, once, not inside. */
struct inquiry *inquiry_begin_step(struct asker *asker, struct http_exchange *exchange,
                                   void (*begin)(struct inquiry *inquiry), const char *at,
                                   void (*answered)(struct inquiry *inquiry, int status,
                                                    struct slice json),
                                   void *owner);

#endif
