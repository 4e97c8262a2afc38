/* Names of topics are matched: here when that is quick, else in the pool on copies. */
#include "broker/coordinator/consumer/consumer_regexes.h"

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "broker/coordinator/regex/topic_regex.h"

/* Instructions of a regular expression: a few nanoseconds each. */
enum { BUDGET_HERE = 300000, BUDGET_POOL = 200000000, LOOK_EVERY_MS = 10000 };

/* Collects those that match; false: the budget is spent, or it does not compile any more. */
static bool match_all(struct kp_string text, const struct kp_string *names, size_t count,
                      uint64_t budget, struct kp_string **found, size_t *found_count) {
    struct error_text why;
    struct topic_regex *regex = topic_regex_new(text.data, (size_t)text.len, &why);
    size_t capacity = 0;
    *found = NULL;
    *found_count = 0;
    for (size_t i = 0; i < count && regex != NULL && budget > 0; i++) {
        if (!topic_regex_matches(regex, names[i].data, (size_t)names[i].len, &budget)) continue;
        *found = mem_grow(*found, *found_count, &capacity, sizeof **found);
        (*found)[(*found_count)++] = names[i];
    }
    bool fine = regex != NULL && budget > 0;
    topic_regex_free(regex);
    return fine;
}

static bool may_see(const struct consumer_heartbeat *heartbeat, struct kp_string name) {
    return heartbeat->may_see == NULL || heartbeat->may_see(heartbeat->may_arg, name);
}

/* Leaves out what the member may not see; how many stay. */
static size_t keep_visible(const struct consumer_heartbeat *heartbeat, struct kp_string *names,
                           size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (may_see(heartbeat, names[i])) names[kept++] = names[i];
    return kept;
}

/* All names, borrowed from the metadata. For mem_free. */
static struct kp_string *names_of(const struct metadata *metadata, size_t *count) {
    struct kp_string *names = mem_alloc(metadata_topic_count(metadata) * sizeof *names);
    *count = 0;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        names[(*count)++] = kp_string_of(topic->name);
    return names;
}

/* ---- That of a member ---- */

void consumer_regex_decide(struct consumer_decision *decision) {
    struct group_table *table = decision->row->table;
    const struct metadata *metadata = decision->heartbeat->metadata;
    if (decision->regex == NULL) return;
    struct kp_string text = shared_string(decision->regex);
    const struct consumer_regex *known = consumer_regex_find(decision->group, text);
    if (known != NULL && known->names != NULL) {
        decision->candidate.regex_names = known->names;
        return;
    }
    size_t count, found_count;
    struct kp_string *names = names_of(metadata, &count), *found;
    if (match_all(text, names, count, BUDGET_HERE, &found, &found_count)) {
        found_count = keep_visible(decision->heartbeat, found, found_count);
        decision->regex_names = topic_names_of(table->shared, found, found_count);
        decision->candidate.regex_names = decision->regex_names;
        consumer_add_regex(&decision->batch, decision->row->id, text, decision->regex_names,
                           (int64_t)metadata_version(metadata), env_wall_ms(table->env));
        if (!MUTANT(MUTANT_REGEX_CHANGE_MISSED)) decision->subscribes_anew = true;
    }
    mem_free(found);
    mem_free(names);
}

/* ---- All of a group, in the pool ---- */

struct looked_regex {
    struct shared_bytes *text;
    struct kp_string *found;
    size_t found_count;
    bool fine;
};

struct consumer_looking {
    struct consumer_work work; /* first */
    struct env_job job;
    struct group_turn turn;
    struct looked_regex *regexes;
    size_t regex_count, name_count;
    struct kp_string *names; /* copies */
    char *name_bytes;
    int64_t metadata_version;
};

static void looking_free(struct consumer_looking *looking) {
    consumer_work_end(&looking->work);
    for (size_t i = 0; i < looking->regex_count; i++) {
        shared_bytes_release(looking->regexes[i].text);
        mem_free(looking->regexes[i].found);
    }
    mem_free(looking->regexes);
    mem_free(looking->names);
    mem_free(looking->name_bytes);
    mem_free(looking);
}

static void looking_work(struct env_job *job) {
    struct consumer_looking *looking = CONTAINER_OF(job, struct consumer_looking, job);
    for (size_t i = 0; i < looking->regex_count; i++) {
        struct looked_regex *one = &looking->regexes[i];
        one->fine = match_all(shared_string(one->text), looking->names, looking->name_count,
                              BUDGET_POOL, &one->found, &one->found_count);
    }
}

static void looked_written(struct group_turn *turn, int16_t error) {
    struct consumer_looking *looking = CONTAINER_OF(turn, struct consumer_looking, turn);
    /* It is looked again, after LOOK_EVERY_MS. */
    if (error != 0 && looking->work.group != NULL) looking->work.group->looked_version = 0;
    consumer_work_end(&looking->work);
    group_turn_end(turn);
    looking_free(looking);
}

static void looked_refused(struct group_turn *turn, int16_t error) {
    (void)error;
    looking_free(CONTAINER_OF(turn, struct consumer_looking, turn));
}

/* Marks those that stand for something else now; how many that are. */
static size_t mark_changed(const struct consumer_looking *looking) {
    struct group_table *table = looking->work.group->row->table;
    size_t changed = 0;
    for (size_t i = 0; i < looking->regex_count; i++) {
        const struct looked_regex *one = &looking->regexes[i];
        struct consumer_regex *regex = consumer_regex_find(looking->work.group,
                                                           shared_string(one->text));
        if (regex == NULL || !one->fine) continue;
        struct shared_bytes *names = topic_names_of(table->shared, one->found, one->found_count);
        if (names != regex->names) {
            regex->next_names = shared_bytes_take(names);
            changed++;
        }
        shared_bytes_release(names);
    }
    return changed;
}

/* The records of those that are marked, and of the group with the topics that it has then: else
 * whoever compares them next, like a new leader, finds that they have changed. */
static void add_changed(struct group_batch *batch, struct consumer_group *group,
                        int64_t looked_version) {
    const struct group_table *table = group->row->table;
    struct kp_string id = group->row->id;
    int64_t hash = consumer_metadata_hash(group, table->metadata, NULL);
    struct consumer_regex *regex, *next;
    HASH_ITER(hh, group->regexes, regex, next) {
        if (regex->next_names == NULL) continue;
        consumer_add_regex(batch, id, shared_string(regex->text), regex->next_names, looked_version,
                           env_wall_ms(table->env));
        shared_bytes_release(regex->next_names);
        regex->next_names = NULL;
    }
    consumer_add_group(batch, id, group->epoch + 1, hash);
}

static void looked_run(struct group_turn *turn) {
    struct consumer_looking *looking = CONTAINER_OF(turn, struct consumer_looking, turn);
    struct consumer_group *group = looking->work.group;
    if (group == NULL || mark_changed(looking) == 0) {
        looked_written(turn, 0);
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    add_changed(&batch, group, looking->metadata_version);
    turn->written = looked_written;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static void looking_done(struct env_job *job) {
    struct consumer_looking *looking = CONTAINER_OF(job, struct consumer_looking, job);
    if (looking->work.group == NULL) {
        looking_free(looking);
        return;
    }
    looking->turn = (struct group_turn){
        .run = looked_run, .refused = looked_refused, .unrefused = true};
    group_turn_take(looking->work.group->row, &looking->turn);
}

static void copy_names(struct consumer_looking *looking,
                       const struct consumer_heartbeat *heartbeat) {
    looking->names = names_of(heartbeat->metadata, &looking->name_count);
    looking->name_count = keep_visible(heartbeat, looking->names, looking->name_count);
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < looking->name_count; i++)
        bytes += (size_t)looking->names[i].len;
    looking->name_bytes = mem_alloc(bytes);
    for (size_t i = 0; i < looking->name_count; i++) {
        memcpy(looking->name_bytes + at, looking->names[i].data, (size_t)looking->names[i].len);
        looking->names[i].data = looking->name_bytes + at;
        at += (size_t)looking->names[i].len;
    }
}

static void look(struct consumer_group *group, const struct consumer_heartbeat *heartbeat) {
    struct consumer_looking *looking = mem_zalloc(sizeof *looking);
    consumer_work_begin(&looking->work, group, &group->looking);
    looking->metadata_version = (int64_t)metadata_version(heartbeat->metadata);
    looking->regexes = mem_zalloc(HASH_COUNT(group->regexes) * sizeof *looking->regexes);
    struct consumer_regex *regex, *next;
    HASH_ITER(hh, group->regexes, regex, next) {
        /* A copy: references are counted on the loop alone. */
        looking->regexes[looking->regex_count++].text = shared_string_of(
            NULL, shared_string(regex->text));
    }
    copy_names(looking, heartbeat);
    looking->job = (struct env_job){.work = looking_work, .done = looking_done};
    env_pool_run(group->row->table->env, &looking->job);
}

void consumer_regexes_refresh(struct consumer_decision *decision) {
    struct consumer_group *group = decision->row->consumer;
    const struct metadata *metadata = decision->heartbeat->metadata;
    if (decision->regex == NULL || group == NULL) return;
    const struct group_table *table = group->row->table;
    if (group->regexes == NULL || group->looking != NULL) return;
    uint64_t now_ms = env_now_ms(table->env), since_ms = now_ms - group->looked_ms;
    if (group->looked_ms != 0 && since_ms < LOOK_EVERY_MS) return;
    if (group->looked_ms != 0 && group->looked_version == metadata_version(metadata) &&
        since_ms < table->settings->group_consumer_regex_refresh_interval_ms)
        return;
    group->looked_ms = now_ms;
    group->looked_version = metadata_version(metadata);
    look(group, decision->heartbeat);
}
