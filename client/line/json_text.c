/* Printing a JSON value piece by piece, with the shortest text for each number. */
#include "client/line/json_text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    void (*take)(void *arg, const char *text, size_t len);
    void *arg;
};

static void text_put(const struct sink *sink, const char *text) {
    sink->take(sink->arg, text, strlen(text));
}

static void put_real(const struct sink *sink, double value) {
    enum { DIGITS_ALWAYS_ENOUGH = 17 };
    char text[40];
    if (!isfinite(value)) {
        text_put(sink, "null");
        return;
    }
    for (int digits = 1; digits <= DIGITS_ALWAYS_ENOUGH; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    text_put(sink, text);
    if (!strpbrk(text, ".e")) {
        text_put(sink, ".0");
    }
}

static int take_dumped(const char *text, size_t len, void *arg) {
    const struct sink *sink = arg;
    sink->take(sink->arg, text, len);
    return 0;
}

static void put_value(const struct sink *sink, const json_t *value);

static void put_array(const struct sink *sink, const json_t *array) {
    text_put(sink, "[");
    for (size_t i = 0; i < json_array_size(array); i++) {
        text_put(sink, i ? "," : "");
        put_value(sink, json_array_get(array, i));
    }
    text_put(sink, "]");
}

static void put_object(const struct sink *sink, const json_t *object) {
    const char *key, *comma = "";
    json_t *value;
    text_put(sink, "{");
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        json_t *name = json_string(key);
        text_put(sink, comma);
        put_value(sink, name);
        text_put(sink, ":");
        put_value(sink, value);
        json_decref(name);
        comma = ",";
    }
    text_put(sink, "}");
}

static void put_value(const struct sink *sink, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_REAL: put_real(sink, json_real_value(value)); break;
    case JSON_ARRAY: put_array(sink, value); break;
    case JSON_OBJECT: put_object(sink, value); break;
    default:
        json_dump_callback(value, take_dumped, (void *)(uintptr_t)sink,
                           JSON_COMPACT | JSON_ENCODE_ANY);
    }
}

void json_text(const json_t *value, void (*take)(void *arg, const char *text, size_t len),
               void *arg) {
    struct sink sink = {take, arg};
    put_value(&sink, value);
}
