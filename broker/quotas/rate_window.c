/* Samples in a ring. */
#include "broker/quotas/rate_window.h"

size_t rate_window_size(const struct rate_shape *shape) {
    return sizeof(struct rate_window) + (shape->samples + 1) * sizeof(struct rate_sample);
}

static struct rate_sample *sample_now(struct rate_window *window, int64_t now_ms) {
    if (window->count == 0) {
        window->samples[0] = (struct rate_sample){.start_ms = now_ms, .last_ms = now_ms};
        window->count = 1;
    }
    return &window->samples[window->current];
}

static struct rate_sample *next_sample(struct rate_window *window, const struct rate_shape *shape,
                                       int64_t now_ms) {
    window->current = (window->current + 1) % (shape->samples + 1);
    if (window->current >= window->count) window->count = window->current + 1;
    window->samples[window->current] = (struct rate_sample){.start_ms = now_ms, .last_ms = now_ms};
    return &window->samples[window->current];
}

void rate_record(struct rate_window *window, const struct rate_shape *shape, double value,
                 int64_t now_ms) {
    struct rate_sample *sample = sample_now(window, now_ms);
    if (now_ms - sample->start_ms >= shape->sample_ms) sample = next_sample(window, shape, now_ms);
    sample->sum += value;
    sample->last_ms = now_ms;
}

static void forget_old(struct rate_window *window, const struct rate_shape *shape, int64_t now_ms) {
    int64_t oldest_ms = (int64_t)shape->samples * shape->sample_ms;
    for (uint32_t i = 0; i < window->count; i++)
        if (now_ms - window->samples[i].last_ms >= oldest_ms)
            window->samples[i] = (struct rate_sample){.start_ms = now_ms, .last_ms = now_ms};
}

/* The time that the samples are of. */
static int64_t window_ms(struct rate_window *window, const struct rate_shape *shape,
                         int64_t now_ms) {
    forget_old(window, shape, now_ms);
    int64_t start_ms = sample_now(window, now_ms)->start_ms;
    for (uint32_t i = 0; i < window->count; i++)
        if (window->samples[i].start_ms < start_ms) start_ms = window->samples[i].start_ms;
    int64_t elapsed_ms = now_ms - start_ms, least = (int64_t)shape->samples - 1;
    int64_t whole = elapsed_ms / shape->sample_ms;
    if (whole < least) elapsed_ms += (least - whole) * shape->sample_ms;
    return elapsed_ms < 1 ? 1 : elapsed_ms;
}

double rate_of(struct rate_window *window, const struct rate_shape *shape, int64_t now_ms) {
    double sum = 0;
    forget_old(window, shape, now_ms);
    for (uint32_t i = 0; i < window->count; i++)
        sum += window->samples[i].sum;
    return sum / ((double)window_ms(window, shape, now_ms) / 1000.0);
}

uint64_t rate_throttle_ms(struct rate_window *window, const struct rate_shape *shape, double limit,
                          int64_t now_ms) {
    static const double longest_ms = 1e15;
    double rate = rate_of(window, shape, now_ms);
    if (rate <= limit) return 0;
    double wait_ms = (rate - limit) / limit * (double)window_ms(window, shape, now_ms);
    return (uint64_t)((wait_ms < longest_ms ? wait_ms : longest_ms) + 0.5);
}
