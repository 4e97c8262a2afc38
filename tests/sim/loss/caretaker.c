/* Asking, accepting, asking again; caretaker.h has the rules. */
#include "tests/sim/loss/caretaker.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/frame.h"

enum {
    CALL_US = 3000000,
    PAUSE_US = 300000,
    LED_TRIES = 20,
    ARENA_MAX = 4 << 20,
    ANSWER_MAX = 1 << 20
};

/*
 *   RESTING -> ASKING (each broker) -> TABLE -> PLANNED -> METADATA -> LED -> LOSING (each broker)
 *                 ^                                |                            |
 *                 +--------- nothing is lost, or it is out of date        GOING_ON (each group)
 *                 +-------------------------------------------------------------+
 *   RESTING -> REPLACING
 */
enum stage { RESTING, ASKING, TABLE, PLANNED, METADATA, LED, LOSING, GOING_ON, REPLACING, STAGES };

struct caretaker {
    struct kafka_call call; /* first: a call is its caretaker */
    struct cluster *cluster;
    /* By node id. Its own: a broker that is cut off closes those of producers all the time. */
    struct kafka_link *links[CLUSTER_BROKERS_MAX + 1];
    struct env_timer *timer;
    enum stage stage;
    uint32_t lost, given_up;
    unsigned at;    /* the broker, the lost one, or the group that is next */
    unsigned tries; /* of LED */
    struct kp_arena arena;
    struct recover_witness witnesses[CLUSTER_BROKERS_MAX];
    const struct kp_lost_majorities_response *pages[CLUSTER_BROKERS_MAX];
    const struct kp_metadata_response *table;
    struct recover_judgement plan;
    bool has_plan;
    bool looked_at, accepted; /* the plan was; and is it true still */
    bool rests, replaces;     /* when it would ask again */
    unsigned nothing;         /* was lost by so many plans, the last ones */
};

static uint64_t draw(const struct caretaker *caretaker, uint64_t limit) {
    return world_below(caretaker->cluster->run->world, limit);
}

static void later(struct caretaker *caretaker) {
    env_timer_start(caretaker->timer, 1 + draw(caretaker, 2 * PAUSE_US));
}

static bool is_left(const struct caretaker *caretaker, unsigned place) {
    return (caretaker->lost >> place & 1) == 0;
}

static int32_t any_left(const struct caretaker *caretaker) {
    unsigned place = (unsigned)draw(caretaker, caretaker->cluster->count);

    while (!is_left(caretaker, place))
        place = (place + 1) % caretaker->cluster->count;
    return (int32_t)place + 1;
}

static void forget_plan(struct caretaker *caretaker) {
    if (caretaker->has_plan) recover_judgement_close(&caretaker->plan);
    caretaker->has_plan = false;
    kp_arena_close(&caretaker->arena);
    kp_arena_init(&caretaker->arena, ARENA_MAX);
}

static void begin_asking(struct caretaker *caretaker) {
    forget_plan(caretaker);
    caretaker->stage = caretaker->rests ? RESTING : ASKING;
    caretaker->at = 0;
    later(caretaker);
}

/* An answer as long as the plan lives. */
static const void *keep(struct caretaker *caretaker, const struct kafka_call *call,
                        const void *response) {
    const struct kp_schema *schema = call->api->response;
    struct kp_writer writer;
    struct kp_reader reader;
    uint8_t *data;
    size_t len;

    kp_writer_init(&writer, ANSWER_MAX);
    int error = kp_encode(schema, call->version, response, &writer);
    CHECK(error == ERR_NONE);
    error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE);
    uint8_t *kept = kp_arena_alloc(&caretaker->arena, len + 1);
    void *into = kp_arena_alloc(&caretaker->arena, schema->size);
    CHECK(kept != NULL && into != NULL);
    for (size_t i = 0; i < len; i++)
        kept[i] = data[i];
    mem_free(data);
    kp_reader_init(&reader, kept, len);
    error = kp_decode(schema, call->version, &reader, &caretaker->arena, into);
    CHECK(error == ERR_NONE);
    return into;
}

static void step(void *arg);

/* ---- What is left ---- */

static void witness_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_lost_majorities_response *response = answer;
    unsigned place = caretaker->at;

    /* It is being started: nothing is decided without it. */
    if (error != ERR_NONE) {
        begin_asking(caretaker);
        return;
    }
    if (response->error_code != KAFKA_NONE || response->next_topic >= 0)
        run_fail(caretaker->cluster->run, "n%u is asked what it has, and answers with %s",
                 place + 1, kafka_error_name(response->error_code));
    caretaker->pages[place] = keep(caretaker, call, response);
    caretaker->witnesses[place].answers = true;
    caretaker->witnesses[place].metadata_leader = response->metadata_leader;
    caretaker->witnesses[place].pages = &caretaker->pages[place];
    caretaker->witnesses[place].page_count = 1;
    caretaker->at++;
    step(caretaker);
}

static void ask_witness(struct caretaker *caretaker) {
    struct kp_lost_majorities_request request;
    int32_t node = (int32_t)caretaker->at + 1;

    caretaker->witnesses[caretaker->at] = (struct recover_witness){.node = node,
                                                                   .metadata_leader = -1};
    if (!is_left(caretaker, caretaker->at)) {
        caretaker->at++;
        step(caretaker);
        return;
    }
    kp_set_fallbacks(&kp_lost_majorities_request_schema, &request);
    caretaker->call.done = witness_answered;
    kafka_link_call(caretaker->links[node], &caretaker->call, KP_LOST_MAJORITIES, 0, &request,
                    CALL_US);
}

static void table_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);

    if (error != ERR_NONE) {
        begin_asking(caretaker);
        return;
    }
    caretaker->table = keep(caretaker, call, answer);
    recover_judge(caretaker->witnesses, caretaker->cluster->count, caretaker->table,
                  &caretaker->plan);
    caretaker->has_plan = true;
    caretaker->nothing = caretaker->plan.count == 0 ? caretaker->nothing + 1 : 0;
    if (caretaker->plan.count == 0) {
        begin_asking(caretaker);
        return;
    }
    caretaker->stage = PLANNED;
    caretaker->looked_at = false;
    later(caretaker);
}

/* Of all topics. */
static void ask_table(struct caretaker *caretaker, int32_t node,
                      void (*done)(struct kafka_call *call, int error, const void *answer)) {
    struct kp_metadata_request request;

    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    request.topics.items = NULL;
    request.topics.count = -1;
    request.allow_auto_topic_creation = false;
    caretaker->call.done = done;
    kafka_link_call(caretaker->links[node], &caretaker->call, KP_METADATA,
                    kafka_client_version(caretaker->cluster->client, KP_METADATA, 7), &request,
                    CALL_US);
}

/* ---- Doing it ---- */

/* Each is what the state of the cluster can bring about: what was seen has changed; the lost one
 * still counts as alive; the table of who is asked is behind, or an earlier try was done. */
static bool may_answer(int16_t code) {
    return code == KAFKA_NONE || code == KAFKA_POLICY_VIOLATION || code == KAFKA_INVALID_REQUEST ||
           code == KAFKA_DUPLICATE_RESOURCE || kafka_error_retriable(code);
}

static void judge(const struct caretaker *caretaker,
                  const struct kp_alter_broker_response *response, const char *what, int32_t of) {
    int16_t code = response->error_code;

    run_say(caretaker->cluster->run, "%s %" PRId32 " is answered with %s: %.*s", what, of,
            kafka_error_name(code), (int)response->error_message.len,
            response->error_message.len > 0 ? response->error_message.data : "");
    if (!may_answer(code))
        run_fail(caretaker->cluster->run, "%s %" PRId32 " is answered with %s", what, of,
                 kafka_error_name(code));
}

static const struct lost_group *group_at(const struct caretaker *caretaker, unsigned at) {
    return at < caretaker->plan.count ? &caretaker->plan.groups[at] : NULL;
}

static void call_change(struct caretaker *caretaker, int32_t node,
                        struct kp_alter_broker_request *request,
                        void (*done)(struct kafka_call *call, int error, const void *answer)) {
    request->timeout_ms = 2000;
    caretaker->call.done = done;
    kafka_link_call(caretaker->links[node], &caretaker->call, KP_ALTER_BROKER, 0, request, CALL_US);
}

static void metadata_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_alter_broker_response *response = answer;

    if (error == ERR_NONE)
        judge(caretaker, response, "the metadata of", caretaker->plan.groups->node);
    if (error != ERR_NONE || response->error_code != KAFKA_NONE) {
        begin_asking(caretaker);
        return;
    }
    run_count(caretaker->cluster->run, RARE_METADATA_LOST, 1);
    caretaker->stage = LED;
    caretaker->tries = 0;
    later(caretaker);
}

static void led_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_metadata_response *response = answer;

    if (error == ERR_NONE && response->controller_id >= 0) {
        for (size_t i = 0; i < caretaker->plan.lost_count; i++)
            caretaker->given_up |= UINT32_C(1) << (caretaker->plan.lost[i] - 1);
        caretaker->stage = LOSING;
        caretaker->at = 0;
    } else if (caretaker->tries++ == LED_TRIES) {
        begin_asking(caretaker);
        return;
    }
    later(caretaker);
}

/* What is refused is refused with all that comes behind it. */
static void loss_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_alter_broker_response *response = answer;

    if (error == ERR_NONE)
        judge(caretaker, response, "the loss of", caretaker->plan.lost[caretaker->at]);
    if (error == ERR_NONE && response->error_code == KAFKA_NONE)
        caretaker->given_up |= UINT32_C(1) << (caretaker->plan.lost[caretaker->at] - 1);
    if (error != ERR_NONE || response->error_code != KAFKA_NONE) {
        begin_asking(caretaker);
        return;
    }
    caretaker->at++;
    step(caretaker);
}

static void going_answered(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_alter_broker_response *response = answer;
    const struct lost_group *group = group_at(caretaker, caretaker->at);

    if (error == ERR_NONE) {
        judge(caretaker, response, "going on with partition", group->partition);
        run_count(caretaker->cluster->run, RARE_MAJORITIES_LOST,
                  response->error_code == KAFKA_NONE);
    }
    caretaker->at++;
    step(caretaker);
}

/* ---- Replacing ---- */

static void replaced(struct kafka_call *call, int error, const void *answer) {
    struct caretaker *caretaker = CONTAINER_OF(call, struct caretaker, call);
    const struct kp_alter_broker_response *response = answer;

    later(caretaker);
    if (error != ERR_NONE) return;
    int16_t code = response->error_code;
    run_say(caretaker->cluster->run, "replacing n%u is answered with %s: %.*s", caretaker->at + 1,
            kafka_error_name(code), (int)response->error_message.len,
            response->error_message.len > 0 ? response->error_message.data : "");
    if (!may_answer(code) && code != KAFKA_RESOURCE_NOT_FOUND)
        run_fail(caretaker->cluster->run, "replacing n%u is answered with %s", caretaker->at + 1,
                 kafka_error_name(code));
}

static void replace_one(struct caretaker *caretaker) {
    struct cluster *cluster = caretaker->cluster;
    struct kp_alter_broker_request request;

    for (unsigned left = cluster->count; left > 0; left--) {
        caretaker->at = (caretaker->at + 1) % cluster->count;
        if (!is_left(caretaker, caretaker->at) && !cluster->brokers[caretaker->at].ready) break;
    }
    if (is_left(caretaker, caretaker->at) || cluster->brokers[caretaker->at].ready) {
        later(caretaker);
        return;
    }
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = (int32_t)caretaker->at + 1;
    request.change = KP_BROKER_REPLACE;
    request.accept_loss = true;
    call_change(caretaker, any_left(caretaker), &request, replaced);
}

/* ---- Life ---- */

static void wait_for_look(struct caretaker *caretaker) {
    if (caretaker->looked_at && !caretaker->accepted) {
        begin_asking(caretaker);
        return;
    }
    if (caretaker->looked_at) {
        caretaker->stage = caretaker->plan.groups->topic.len == 0 ? METADATA : LOSING;
        caretaker->at = 0;
    }
    later(caretaker);
}

static void rest(struct caretaker *caretaker) {
    if (caretaker->replaces)
        caretaker->stage = REPLACING;
    else if (caretaker->lost != 0 && !caretaker->rests)
        caretaker->stage = ASKING;
    later(caretaker);
}

static void act(struct caretaker *caretaker) {
    const struct lost_group *group;
    struct kp_alter_broker_request request;

    if (caretaker->stage == METADATA) {
        recover_request(&caretaker->plan, caretaker->plan.groups, &request);
        call_change(caretaker, caretaker->plan.groups->node, &request, metadata_answered);
        return;
    }
    if (caretaker->stage == LED) {
        ask_table(caretaker, caretaker->plan.groups->node, led_answered);
        return;
    }
    if (caretaker->stage == LOSING && caretaker->at < caretaker->plan.lost_count) {
        recover_request_loss(caretaker->plan.lost[caretaker->at], &request);
        call_change(caretaker, any_left(caretaker), &request, loss_answered);
        return;
    }
    if (caretaker->stage == LOSING) caretaker->at = 0;
    caretaker->stage = GOING_ON;
    while ((group = group_at(caretaker, caretaker->at)) != NULL &&
           (group->topic.len == 0 || group->best == NULL || group->unheard >= 0))
        caretaker->at++;
    if (group == NULL) {
        begin_asking(caretaker);
        return;
    }
    recover_request(&caretaker->plan, group, &request);
    call_change(caretaker, any_left(caretaker), &request, going_answered);
}

static void step(void *arg) {
    struct caretaker *caretaker = arg;

    switch (caretaker->stage) {
    case ASKING:
        if (caretaker->at < caretaker->cluster->count) {
            ask_witness(caretaker);
            break;
        }
        caretaker->stage = TABLE;
        ask_table(caretaker, any_left(caretaker), table_answered);
        break;
    case METADATA:
    case LED:
    case LOSING:
    case GOING_ON: act(caretaker); break;
    case REPLACING: replace_one(caretaker); break;
    case RESTING: rest(caretaker); break;
    case PLANNED: wait_for_look(caretaker); break;
    case TABLE:
    case STAGES: break; /* the answer goes on */
    }
}

struct caretaker *caretaker_new(struct cluster *cluster) {
    struct caretaker *caretaker = mem_zalloc(sizeof *caretaker);
    struct env *env = kafka_client_env(cluster->client);
    char host[16];

    caretaker->cluster = cluster;
    for (unsigned node = 1; node <= cluster->count; node++) {
        snprintf(host, sizeof host, "n%u", node);
        caretaker->links[node] = kafka_link_new(cluster->run, env, host, CLIENT_PORT);
    }
    kp_arena_init(&caretaker->arena, ARENA_MAX);
    caretaker->timer = env_timer_new(env, step, caretaker);
    later(caretaker);
    return caretaker;
}

void caretaker_begin(struct caretaker *caretaker, uint32_t lost) {
    caretaker->lost = lost;
}

const struct recover_judgement *caretaker_plan(const struct caretaker *caretaker) {
    return caretaker->stage == PLANNED && !caretaker->looked_at ? &caretaker->plan : NULL;
}

void caretaker_go_on(struct caretaker *caretaker, bool accepted) {
    caretaker->looked_at = true;
    caretaker->accepted = accepted;
}

uint32_t caretaker_given_up(const struct caretaker *caretaker) {
    return caretaker->given_up;
}

unsigned caretaker_found_nothing(const struct caretaker *caretaker) {
    return caretaker->nothing;
}

bool caretaker_acts(const struct caretaker *caretaker) {
    return caretaker->stage >= METADATA && caretaker->stage <= GOING_ON;
}

void caretaker_rest(struct caretaker *caretaker) {
    caretaker->rests = true;
}

void caretaker_replaces(struct caretaker *caretaker) {
    caretaker->replaces = true;
}

void caretaker_describe(const struct caretaker *caretaker) {
    static const char *const names[STAGES] = {"rests",
                                              "asks what is left",
                                              "asks for the topics",
                                              "has a plan",
                                              "recovers the metadata",
                                              "waits for its leader",
                                              "gives brokers up",
                                              "goes on with partitions",
                                              "replaces"};
    printf("the caretaker %s, at %u; lost: %x\n", names[caretaker->stage], caretaker->at,
           caretaker->lost);
}
