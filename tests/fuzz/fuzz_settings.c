/* A configuration file: it is read, or refused with a sentence; what is accepted has its warnings,
 * and every value can be asked for. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/broker_settings.h"
#include "tests/fuzz/workspace.h"

enum { SENTENCE_MIN = 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void warn(void *arg, const char *sentence) {
    (void)arg;
    CHECK(strlen(sentence) > SENTENCE_MIN);
}

static void use(struct settings *values, const struct setting *table, size_t count) {
    static struct broker_settings settings; /* too large for a stack */
    struct error_text why;
    for (size_t i = 0; i < count; i++)
        CHECK(settings_text(values, table[i].name) != NULL);
    if (broker_settings_from(values, &settings, &why) == ERR_NONE)
        broker_settings_warnings(&settings, warn, NULL);
    else
        CHECK(strlen(why.text) > SENTENCE_MIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct workspace *workspace = workspace_get();
    size_t count;
    struct error_text why;
    const struct setting *table = broker_settings_table(&count);
    struct settings *values = settings_new(table, count);
    char *path = workspace_put(workspace, "draved.conf", data, len);
    if (settings_read_file(values, path, &why) == ERR_NONE)
        use(values, table, count);
    else
        CHECK(strlen(why.text) > SENTENCE_MIN);
    settings_free(values);
    mem_free(path);
    workspace_clear(workspace);
    return 0;
}
