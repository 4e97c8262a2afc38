/* Looking for a state that reaches the place, writing one, and `start`: jobs of the pool. */
#include "storage/heal/later_start.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/state/state_files.h"

struct later_start {
    struct env_job job; /* first: a job is its later_start */
    struct env *env;
    char *group_path;
    uint64_t group;
    struct later_limits limits;
    struct start_file place;
    log_index given_index; /* 0: no state was given */
    struct slice given;
    void (*done)(void *arg, int error);
    void *arg;
    bool busy, left; /* `left`: it frees itself */
    int error;
};

struct later_limits later_limits_of(log_index segment_ends, log_index synced, log_index committed,
                                    struct entry *const *entries, size_t count) {
    struct later_limits limits = {.least = segment_ends,
                                  .below = synced,
                                  .committed = committed > synced ? committed : synced,
                                  .last = synced};
    for (size_t i = 0; i < count; i++) {
        size_t terms = limits.term_count;
        bool same = terms > 0 && limits.terms[terms - 1].term == entries[i]->term;
        if (!same && terms == LATER_TERMS_MOST) break;
        if (!same)
            limits.terms[limits.term_count++] = (struct index_term){
                .first_index = entries[i]->index, .term = entries[i]->term};
        limits.last = entries[i]->index;
    }
    return limits;
}

bool later_start_fits(const struct later_limits *limits, const struct start_file *place) {
    return limits->least > 0 && place->index >= limits->least && place->index < limits->below &&
           place->term > 0 && place->change_index <= place->index && place->next_offset >= 0;
}

bool later_start_wants(const struct later_limits *limits, log_index index, log_term term) {
    log_term ours = 0;
    for (size_t i = 0; i < limits->term_count && limits->terms[i].first_index <= index; i++)
        ours = limits->terms[i].term;
    return index <= limits->committed || (index <= limits->last && ours == term && term > 0);
}

static void later_free(struct later_start *later) {
    slice_unref(&later->place.change);
    slice_unref(&later->given);
    mem_free(later->group_path);
    mem_free(later);
}

/* ---- In the job ---- */

static int write_twice(struct later_start *later, log_index index, const struct slice *state) {
    return state_files_write(later->env, later->group_path, later->group, index, state, 1,
                             state->len, true);
}

/* One of our own, as the opening of the log will look for one, and only it then: it is there twice
 * before `start` needs it. Mostly it is there once, for nothing was gone from this log. */
static int use_own_state(struct later_start *later) {
    struct state_limits limits = {.committed = later->limits.committed, .last = later->limits.last};
    struct slice state;
    log_index index;
    if (MUTANT(MUTANT_LATER_START_WITHOUT_STATE)) return ERR_NONE;
    if (!state_files_find(later->env, later->group_path, later->group, &limits, &index, &state))
        return ERR_AGAIN;
    int error = index < later->place.index ? ERR_AGAIN : write_twice(later, index, &state);
    slice_unref(&state);
    return error;
}

/* Its files begin where they did. */
static int write_start(struct later_start *later) {
    struct start_file now = {0}, next = later->place;
    int error = start_file_read(later->env, later->group_path, later->group, &now);
    if (error && error != ERR_NOT_FOUND) return error;
    slice_unref(&now.change);
    if (now.index >= next.index) return ERR_NONE;
    next.file_index = now.file_index;
    next.file_offset = now.file_offset;
    return start_file_write(later->env, later->group_path, later->group, &next);
}

static void later_work(struct env_job *job) {
    struct later_start *later = (struct later_start *)job;
    later->error = later->given_index > 0 ? write_twice(later, later->given_index, &later->given)
                                          : use_own_state(later);
    if (!later->error) later->error = write_start(later);
}

/* ---- On the loop ---- */

static void later_done(struct env_job *job) {
    struct later_start *later = (struct later_start *)job;
    int error = later->error;
    /* ERR_NOT_FOUND: the replica has gone elsewhere meanwhile, and its directory with it. */
    bool passing = error == ERR_AGAIN || error_is_no_room(error) || error == ERR_LIMIT ||
                   error == ERR_NOT_FOUND;
    later->busy = false;
    if (error && !passing)
        env_fatal(later->env,
                  "cannot write in %s where this log begins now (%s); %s, and start this broker "
                  "again: what it acknowledged is in its segments and its journal",
                  later->group_path, error_phrase(error), error_advice(error));
    if (later->left)
        later_free(later);
    else
        later->done(later->arg, error);
}

static void run(struct later_start *later) {
    later->busy = true;
    later->job = (struct env_job){.work = later_work, .done = later_done};
    env_pool_run(later->env, &later->job);
}

struct later_start *later_start_begin(struct env *env, const char *group_path, uint64_t group,
                                      const struct later_limits *limits, struct start_file *place,
                                      void (*done)(void *arg, int error), void *arg) {
    struct later_start *later = mem_zalloc(sizeof *later);
    CHECK(later_start_fits(limits, place)); /* the caller has asked */
    later->env = env;
    later->group_path = mem_strdup(group_path);
    later->group = group;
    later->limits = *limits;
    later->place = *place;
    *place = (struct start_file){0};
    later->done = done;
    later->arg = arg;
    run(later);
    return later;
}

void later_start_give(struct later_start *later, log_index index, struct slice *state) {
    CHECK(!later->busy && later->error == ERR_AGAIN);                  /* `done` said so */
    CHECK(index >= later->place.index && index <= later->limits.last); /* it was asked for so */
    later->given_index = index;
    later->given = *state;
    *state = (struct slice){0};
    run(later);
}

void later_start_free(struct later_start *later) {
    if (later == NULL) return;
    later->left = true;
    if (!later->busy) later_free(later);
}
