/* Objects and fields in the order in which pages show them. */
#include "broker/console/group_json.h"

static void show_finding(struct json *json, const struct why_finding *finding) {
    json_object(json, NULL);
    json_words(json, "cause", why_cause_name(finding->cause));
    json_words(json, "next", finding->next);
    json_array(json, "evidence");
    for (size_t i = 0; i < finding->evidence_count; i++) {
        json_object(json, NULL);
        json_words(json, "what", finding->evidence[i].what);
        json_words(json, "value", finding->evidence[i].value);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

void group_show_why(struct json *json, const struct why_diagnosis *diagnosis) {
    json_long(json, "lag_records", diagnosis->lag);
    json_real(json, "lag_seconds", diagnosis->age_ms < 0 ? -1 : (double)diagnosis->age_ms / 1000);
    json_array(json, "findings");
    for (size_t i = 0; i < diagnosis->count; i++)
        show_finding(json, &diagnosis->findings[i]);
    json_end(json);
}

void group_show_known(struct json *json, const char *key, int64_t value) {
    if (value < 0)
        json_null(json, key);
    else
        json_long(json, key, value);
}
