/*
 * draved: one broker as a process, and the offline tools on its directory.
 *
 * Happy path: settings from file and --set, then a broker on libuv until SIGTERM or SIGINT, which
 * end it cleanly with code 0. SIGHUP reads the files of TLS anew; when its terminal is gone it
 * ends. Failures: a sentence on stderr and exit code 1 (refused, failed) or 2 (wrong usage).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/backup_tool.h"
#include "broker/broker.h"
#include "broker/config/listener_settings.h"
#include "broker/config/setting_units.h"
#include "broker/log_tool.h"
#include "broker/observation.h"
#include "broker/options.h"
#include "broker/server/file_shares.h"
#include "broker/service_manager.h"
#include "broker/tls/principal_rules.h"
#include "broker/tokens/token_door.h"

static const char NAME[] = "draved: ";
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, STDERR_FD = 2, OPEN_FILES_LOW = 4096 };

/* ---- Running ---- */

struct run {
    struct env *env;
    struct log log;
    struct broker_settings settings;
    struct broker *broker;
    struct observation *observation; /* NULL: nothing is served to those who watch */
    struct service_manager *manager; /* NULL: there is none */
    bool stopping, has_terminal;
    int code;
};

/* Whether there is one whose end would be told by SIGHUP. */
static bool has_terminal(void) {
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* JOURNAL_STREAM of systemd.exec(5): device and inode of what journald reads. */
static bool stderr_is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat stat;
    char own[64];
    if (stream == NULL || fstat(STDERR_FD, &stat) != 0) return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
    return strcmp(stream, own) == 0;
}

static void on_ready(void *arg, const char *summary) {
    struct run *run = arg;
    log_event(&run->log, LOGGED_READY, "ready: %s", summary);
    service_manager_ready(run->manager, summary);
    env_uv_watch_turns(run->env, (uint64_t)run->settings.turn_warn_ms * 1000);
}

static void on_failed(void *arg, const char *sentence) {
    struct run *run = arg;
    log_event(&run->log, LOGGED_START_REFUSED, "%s", sentence);
    run->code = EXIT_REFUSED;
    env_uv_stop(run->env);
}

static void on_stopped(void *arg) {
    struct run *run = arg;
    log_event(&run->log, LOGGED_STOPPED, "stopped");
    env_uv_stop(run->env);
}

static void on_signal(void *arg, int number) {
    struct run *run = arg;
    if (run->stopping) return;
    run->stopping = true;
    const char *what;
    uint64_t longest_us = env_uv_longest_turn_us(run->env, &what);
    log_event(
        &run->log, LOGGED_STOPPING,
        "%s: handing leaderships over and stopping; the longest turn of the loop took %" PRIu64
        ".%" PRIu64 " ms of processor time (most of it: %s)",
        number == SIGTERM  ? "SIGTERM"
        : number == SIGHUP ? "SIGHUP"
                           : "SIGINT",
        longest_us / 1000, longest_us % 1000 / 100, what == NULL ? "nothing" : what);
    service_manager_stopping(run->manager);
    broker_stop(run->broker, on_stopped, run);
}

/* By somebody who wants the files to be read anew, or because the terminal has gone. */
static void on_hangup(void *arg, int number) {
    struct run *run = arg;
    if (run->stopping) return;
    if (run->has_terminal && !has_terminal())
        on_signal(arg, number);
    else if (!broker_read_anew(run->broker))
        log_event(
            &run->log, LOGGED_SETTINGS_WARNING,
            "SIGHUP: no listener speaks TLS or takes tokens, and nothing but their files is read "
            "anew; other settings change by drave config set, or by a restart");
}

static void on_warning(void *arg, const char *sentence) {
    log_event(arg, LOGGED_SETTINGS_WARNING, "%s", sentence);
}

/* Raises the limit of open files as far as it may, and shares the files out between clients and
 * segments. */
static void share_files(struct run *run) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    struct file_shares shares = file_shares_of(limit.rlim_cur, &run->settings);
    if (shares.too_few || limit.rlim_cur < OPEN_FILES_LOW)
        log_event(
            &run->log, LOGGED_FEW_FILES,
            "only %" PRIu64
            " files may be open at a time%s; raise the hard limit (ulimit -Hn, LimitNOFILE) to %d or more",
            (uint64_t)limit.rlim_cur,
            shares.too_few ? ", which is less than a broker needs"
                           : ", so those of partitions are closed and opened all the time",
            OPEN_FILES_LOW);
    if (shares.connections < run->settings.max_connections)
        log_event(&run->log, LOGGED_FEW_FILES,
                  "at most %" PRIu32 " clients are let in, not %" PRIu32
                  " (max.connections): only %" PRIu64
                  " files may be open at a time; raise the hard limit (ulimit -Hn, LimitNOFILE)",
                  shares.connections, run->settings.max_connections, (uint64_t)limit.rlim_cur);
    run->settings.segment_files = shares.segments;
    run->settings.open_files = limit.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)limit.rlim_cur;
    run->settings.connections_most = shares.connections_most;
    broker_settings_bound_connections(&run->settings);
}

static void say_first_lines(struct run *run) {
    const struct broker_settings *settings = &run->settings;
    log_event(&run->log, LOGGED_STARTING, "draved %s, broker %" PRId32, DRAVE_VERSION,
              settings->node_id);
    log_event(&run->log, LOGGED_STARTING, "data directory: %s", settings->data_dir);
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct broker_listener *listener = &settings->listeners[i];
        bool other = strcmp(listener->host, listener->advertised_host) != 0 ||
                     listener->port != listener->advertised_port;
        char bound[HOST_PORT_TEXT], told[HOST_PORT_TEXT];
        host_port_text(listener->advertised_host, listener->advertised_port, told);
        log_event(&run->log, LOGGED_STARTING, "listener: %s://%s%s%s%s", listener->name,
                  host_port_text(listener->host, listener->port, bound),
                  listener->bind_ipv6_loopback_too ? " and ::1" : "",
                  other ? ", clients are told " : "", other ? told : "");
    }
}

/* False: it was asked for, and cannot be. */
static bool start_observation(struct run *run) {
    const struct broker_settings *settings = &run->settings;
    struct error_text why;
    char address[HOST_PORT_TEXT];
    if (settings->http_host[0] == '\0') return true;
    int error = observation_start(run->env, STDERR_FD, &run->log, settings, &run->observation,
                                  &why);
    if (error == ERR_NONE) {
        host_port_text(settings->http_host, observation_port(run->observation), address);
        log_event(&run->log, LOGGED_HTTP_SERVED, "metrics and health: http://%s", address);
        if (settings->console)
            log_event(&run->log, LOGGED_HTTP_SERVED, "console: http://%s/", address);
        return true;
    }
    if (settings->http_is_default)
        log_event(&run->log, LOGGED_HTTP_NOT_SERVED, "%s", why.text);
    else
        log_event(&run->log, LOGGED_START_REFUSED, "%s", why.text);
    return settings->http_is_default;
}

static const struct broker_events broker_events = {on_ready, on_failed};

/* What closing began (a job in a lane, a report) ends before the loop does. */
static int end_loop(struct run *run) {
    bool clean = observation_stop(run->observation);
    service_manager_free(run->manager);
    env_uv_run(run->env);
    clean = env_uv_free(run->env) && clean;
    if (!clean)
        log_event(
            &run->log, LOGGED_INTERNAL_ERROR,
            "a socket, a file or a timer is left at the end: a bug of draved, please report it");
    return run->code;
}

static int run_broker(struct run *run) {
    struct error_text why;
    if (env_uv_new(&run->env, STDERR_FD) != ERR_NONE) {
        output_sentence(NAME, "the event loop cannot be made; is the limit of open files used up?");
        return EXIT_REFUSED;
    }
    run->log = (struct log){
        .env = run->env, .format = run->settings.log_format, .level = run->settings.log_level};
    if (run->log.format == LOG_TEXT && stderr_is_journal()) run->log.format = LOG_JOURNAL;
    say_first_lines(run);
    share_files(run);
    broker_settings_warnings(&run->settings, on_warning, &run->log);
    listener_settings_warnings(&run->settings, on_warning, &run->log);
    run->manager = service_manager_new(run->env);
    if (!start_observation(run)) {
        run->code = EXIT_REFUSED;
        return end_loop(run);
    }
    if (broker_start(run->env, &run->log, &run->settings, &broker_events, run, &run->broker,
                     &why) != ERR_NONE) {
        log_event(&run->log, LOGGED_START_REFUSED, "%s", why.text);
        run->code = EXIT_REFUSED;
        return end_loop(run);
    }
    observation_of(run->observation, run->broker);
    env_uv_on_signal(run->env, SIGTERM, on_signal, run);
    env_uv_on_signal(run->env, SIGINT, on_signal, run);
    struct sigaction hangup; /* nohup's wish is kept */
    run->has_terminal = has_terminal();
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        env_uv_on_signal(run->env, SIGHUP, on_hangup, run);
    env_uv_run(run->env);
    observation_of(run->observation, NULL);
    broker_free(run->broker);
    return end_loop(run);
}

/* ---- Settings ---- */

static int main_refuse(const struct error_text *why) {
    output_sentence(NAME, "%s", why->text);
    return EXIT_REFUSED;
}

static int read_settings(const struct options *options, struct settings *values,
                         struct broker_settings *settings) {
    struct error_text why;
    if (options->config != NULL && settings_read_file(values, options->config, &why) != ERR_NONE)
        return main_refuse(&why);
    for (size_t i = 0; i < options->set_count; i++)
        if (settings_set_pair(values, options->set[i], &why) != ERR_NONE) return main_refuse(&why);
    setting_units_resolve(values);
    return broker_settings_from(values, settings, &why) != ERR_NONE ? main_refuse(&why) : EXIT_DONE;
}

/* What a start would read beside the settings. */
static int check_files(const struct broker_settings *settings) {
    struct token_keys *keys = NULL;
    struct tls_context *context = NULL;
    struct principal_rules *rules = NULL;
    struct error_text why;
    if (settings->tokens.path != NULL &&
        token_door_read(settings->tokens.path, &keys, &why) != ERR_NONE)
        return main_refuse(&why);
    token_keys_unref(keys);
    if (!listener_settings_tls(settings)) return EXIT_DONE;
    if (principal_rules_new(settings_text(settings->values, "ssl.principal.mapping.rules"), &rules,
                            &why) != ERR_NONE)
        return main_refuse(&why);
    principal_rules_free(rules);
    if (tls_context_new(&settings->tls, &context, &why) != ERR_NONE) return main_refuse(&why);
    tls_context_unref(context);
    return EXIT_DONE;
}

static int with_settings(const struct options *options, struct output *out) {
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    struct settings *values = settings_new(table, count);
    const struct setting_absent *absent = broker_settings_absent(&count);
    settings_know_absent(values, absent, count);
    struct run *run = mem_zalloc(sizeof *run);
    int code = read_settings(options, values, &run->settings);
    if (code == EXIT_DONE && options->action == ACTION_CHECK) code = check_files(&run->settings);
    if (code == EXIT_DONE && options->action == ACTION_CHECK)
        output_print(out, "the configuration is good\n");
    else if (code == EXIT_DONE)
        code = run_broker(run);
    mem_free(run);
    settings_free(values);
    return code;
}

static int main_act(const struct options *options, struct output *out) {
    switch (options->action) {
    case ACTION_HELP: options_print_help(out); return EXIT_DONE;
    case ACTION_HELP_CONFIG: options_print_settings(out); return EXIT_DONE;
    case ACTION_HELP_METRICS: options_print_metrics(out); return EXIT_DONE;
    case ACTION_HELP_EVENTS: options_print_events(out); return EXIT_DONE;
    case ACTION_VERSION: output_print(out, "draved %s\n", DRAVE_VERSION); return EXIT_DONE;
    case ACTION_LOG_DUMP: return log_tool_dump(options, out);
    case ACTION_LOG_VERIFY: return log_tool_verify(options, out);
    case ACTION_BACKUP_ADOPT: return backup_tool_adopt(options, out);
    case ACTION_RUN:
    case ACTION_CHECK: return with_settings(options, out);
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    struct options options;
    struct output out;
    struct error_text why;
    mem_give_back_large();
    output_hold_streams();
    if (options_parse(argc, argv, &options, &why) != ERR_NONE) {
        output_sentence(NAME, "%s", why.text);
        return EXIT_USAGE;
    }
    output_open(&out, STDOUT_FILENO);
    return output_end(&out, main_act(&options, &out), NAME);
}
