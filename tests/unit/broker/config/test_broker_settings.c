/* The settings of a broker: defaults, lists, what does not fit together, and each sentence about
 * it. */
#include <stdio.h>
#include <string.h>

#include "broker/config/broker_settings.h"
#include "tests/unit/unit.h"

struct fixture {
    struct settings *values;
    struct broker_settings settings;
    struct error_text why;
    char warnings[4096];
};

static int setup(void **state) {
    static struct fixture fixture;
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    memset(&fixture, 0, sizeof fixture);
    fixture.values = settings_new(table, count);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    settings_free(fixture->values);
    return 0;
}

static int with(struct fixture *fixture, const char *pair) {
    int error = settings_set_pair(fixture->values, pair, &fixture->why);
    return error != ERR_NONE
               ? error
               : broker_settings_from(fixture->values, &fixture->settings, &fixture->why);
}

static void assert_said(const struct fixture *fixture, const char *part) {
    if (strstr(fixture->why.text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, fixture->why.text);
}

static void assert_refused(struct fixture *fixture, const char *pair, const char *part,
                           const char *other_part) {
    assert_int_equal(with(fixture, pair), ERR_INVALID);
    assert_said(fixture, part);
    assert_said(fixture, other_part);
}

/* Without any setting it is one broker on loopback, in ./drave-data, a cluster of one without a
 * peer port. */
static void test_broker_settings_defaults(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(broker_settings_from(fixture->values, &fixture->settings, &fixture->why),
                     ERR_NONE);
    const struct broker_settings *settings = &fixture->settings;
    assert_int_equal(settings->node_id, 1);
    assert_string_equal(settings->data_dir, "./drave-data");
    assert_int_equal(settings->listener_count, 1);
    assert_string_equal(settings->listeners[0].name, "PLAINTEXT");
    assert_string_equal(settings->listeners[0].host, "127.0.0.1");
    assert_int_equal(settings->listeners[0].port, 9092);
    assert_true(settings->listeners[0].bind_ipv6_loopback_too);
    assert_string_equal(settings->peer_host, "");
    assert_int_equal(settings->node_count, 1);
    assert_string_equal(settings->nodes_text, "");
    assert_int_equal(settings->default_replication_factor, -1);
    assert_true(settings->auto_create_topics);
    assert_true(settings->log_compression_lz4);
    assert_int_equal(settings->log_level, LOG_INFO);
}

/* Every row has a sentence, and a default that its own limits allow. */
static void test_broker_settings_table_is_whole(void **state) {
    (void)state;
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    for (size_t i = 0; i < count; i++) {
        struct error_text why;
        assert_true(strlen(table[i].help) > 20);
        assert_int_equal(table[i].help[strlen(table[i].help) - 1], '.');
        assert_int_equal(setting_check(&table[i], table[i].fallback, &why), ERR_NONE);
        assert_ptr_equal(setting_find(table, count, table[i].name), &table[i]);
    }
}

/* Several named listeners, each with the address that clients are told. */
static void test_broker_settings_listeners(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(
        settings_set_pair(
            fixture->values,
            "advertised.listeners=EXTERNAL://kafka.example:19092,INTERNAL://broker1:9092",
            &fixture->why),
        ERR_NONE);
    assert_int_equal(
        settings_set_pair(fixture->values,
                          "listener.security.protocol.map=INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
                          &fixture->why),
        ERR_NONE);
    assert_int_equal(with(fixture, "listeners=INTERNAL://0.0.0.0:9092, external://:19092"),
                     ERR_NONE);
    const struct broker_settings *settings = &fixture->settings;
    assert_int_equal(settings->listener_count, 2);
    assert_string_equal(settings->listeners[1].name, "EXTERNAL");
    assert_string_equal(settings->listeners[1].host, "0.0.0.0");
    assert_string_equal(settings->listeners[1].advertised_host, "kafka.example");
    assert_int_equal(settings->listeners[1].advertised_port, 19092);
    assert_string_equal(settings->listeners[0].advertised_host, "broker1");
    assert_false(settings->listeners[0].bind_ipv6_loopback_too);
    assert_int_equal(settings_set_pair(fixture->values, "advertised.listeners=", &fixture->why),
                     ERR_NONE);
    assert_int_equal(
        settings_set_pair(fixture->values, "listener.security.protocol.map=", &fixture->why),
        ERR_NONE);
    assert_int_equal(with(fixture, "listeners=PLAINTEXT://[::1]:0"), ERR_NONE);
    assert_string_equal(settings->listeners[0].host, "::1");
    char text[HOST_PORT_TEXT];
    assert_string_equal(host_port_text(settings->listeners[0].host, 9092, text), "[::1]:9092");
    assert_string_equal(host_port_text("broker1", 65535, text), "broker1:65535");
}

/* Listeners that make no sense are refused with what would do. */
static void test_broker_settings_wrong_listeners(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, "listeners=PLAINTEXT://0.0.0.0:9092", "0.0.0.0",
                   "advertised.listeners=PLAINTEXT://HOST:9092");
    assert_refused(fixture, "listeners=", "listeners is empty", "PLAINTEXT://127.0.0.1:9092");
    assert_refused(fixture, "listeners=127.0.0.1:9092", "127.0.0.1:9092", "NAME://HOST:PORT");
    assert_refused(fixture, "listeners=PLAINTEXT://a:70000", "a:70000", "NAME://HOST:PORT");
    assert_refused(fixture, "listeners=PLAINTEXT://::1:9092", "::1:9092", "NAME://HOST:PORT");
    assert_refused(fixture, "listeners=PLAINTEXT://a$b:1", "a$b:1", "NAME://HOST:PORT");
    assert_refused(fixture, "listeners=PLAINTEXT://999.1.1.1:1", "999.1.1.1:1", "NAME://HOST:PORT");
    assert_refused(fixture, "listeners=PLAINTEXT://224.0.0.1:1", "224.0.0.1",
                   "name one of this machine");
    assert_refused(fixture, "listeners=A://h:1,a://h:2", "A twice", "name of its own");
    assert_int_equal(settings_set_pair(fixture->values, "listeners=PLAINTEXT://h:1", &fixture->why),
                     ERR_NONE);
    assert_refused(fixture, "advertised.listeners=B://h:1", "names B", "same names");
}

/* Two listeners have two ports, but for an IPv4 and an IPv6 address, as in Kafka. */
static void test_broker_settings_same_port(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(settings_set_pair(fixture->values,
                                       "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT",
                                       &fixture->why),
                     ERR_NONE);
    assert_refused(fixture, "listeners=A://127.0.0.1:9,B://127.0.0.1:9", "port 9 for A and for B",
                   "of its own");
    assert_refused(fixture, "listeners=A://10.0.0.1:9,B://h:9", "port 9", "of its own");
    assert_refused(fixture, "listeners=A://10.0.0.1:9,B://10.0.0.2:9", "port 9", "of its own");
    assert_refused(fixture, "listeners=A://10.0.0.1:9,B://[::]:9", "port 9", "of its own");
    assert_int_equal(with(fixture, "listeners=A://127.0.0.1:0,B://127.0.0.1:0"), ERR_NONE);
    assert_int_equal(with(fixture, "listeners=A://127.0.0.1:9,B://[::1]:9"), ERR_NONE);
    assert_false(fixture->settings.listeners[0].bind_ipv6_loopback_too); /* that is where B is */
    assert_refused(fixture, "peer.listen=127.0.0.1:9", "port 9 is for the other brokers",
                   "a port of its own");
    assert_refused(fixture, "peer.listen=:9", "A of listeners", "a port of its own");
    assert_int_equal(with(fixture, "peer.listen=10.0.0.1:9"), ERR_NONE);
}

/* Clients are told an address to which one connects: not a port 0 where none is picked, not all
 * addresses, not one of many machines. */
static void test_broker_settings_told(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, "advertised.listeners=PLAINTEXT://x:0", "port 0", "PLAINTEXT://x:9092");
    assert_refused(fixture, "advertised.listeners=PLAINTEXT://x:1,PLAINTEXT://y:2",
                   "names PLAINTEXT twice", "remove one");
    static const char *const hosts[] = {
        "0.0.0.0",         "0",         "0x0", "[::]", "[0:0::0]", "[::ffff:0.0.0.0]", "224.0.0.1",
        "255.255.255.255", "[ff02::1]", ""};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char pair[80];
        snprintf(pair, sizeof pair, "advertised.listeners=PLAINTEXT://%s:9", hosts[i]);
        assert_refused(fixture, pair, "clients cannot connect to", "a host that clients reach");
    }
    assert_int_equal(with(fixture, "advertised.listeners=PLAINTEXT://host_1.example.org:1"),
                     ERR_NONE);
    assert_int_equal(with(fixture, "advertised.listeners=PLAINTEXT://[fe80::1%eth0]:1"), ERR_NONE);
    assert_int_equal(
        settings_set_pair(fixture->values, "listeners=PLAINTEXT://0.0.0.0:0", &fixture->why),
        ERR_NONE);
    assert_int_equal(with(fixture, "advertised.listeners=PLAINTEXT://x:0"),
                     ERR_NONE); /* the one that is picked */
}

/* No listener is taken for what it is not: what it is called it speaks, unless the map says
 * otherwise. */
static void test_broker_settings_protocols(void **state) {
    struct fixture *fixture = *state;
    static const char *const others[] = {"HTTPS",        "KERBEROS", "SCRAM",
                                         "EXTERNAL_TLS", "INTERNAL", "PLAINTEXT2"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char pair[80], entry[80];
        snprintf(pair, sizeof pair, "listeners=PLAINTEXT://127.0.0.1:1,%s://127.0.0.1:2",
                 others[i]);
        snprintf(entry, sizeof entry, "add %s:PLAINTEXT", others[i]);
        assert_refused(fixture, pair, "listener.security.protocol.map does not say", entry);
    }
    assert_int_equal(settings_set_pair(fixture->values,
                                       "listeners=IN://127.0.0.1:1,OUT://127.0.0.1:2",
                                       &fixture->why),
                     ERR_NONE);
    assert_int_equal(with(fixture, "listener.security.protocol.map=in:plaintext,OUT:PLAINTEXT"),
                     ERR_NONE);
    assert_int_equal(
        with(fixture,
             "listener.security.protocol.map=IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
             "SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"),
        ERR_NONE); /* the file that comes with Kafka */
    assert_refused(fixture, "listener.security.protocol.map=IN:PLAINTEXT", "listeners has OUT",
                   "add OUT:PLAINTEXT");
    assert_refused(fixture,
                   "listener.security.protocol.map=IN:PLAINTEXT,OUT:PLAINTEXT,IN:PLAINTEXT",
                   "IN twice", "remove one");
    assert_refused(fixture, "listener.security.protocol.map=IN:QUIC,OUT:PLAINTEXT", "IN:QUIC",
                   "NAME:PROTOCOL");
    assert_refused(fixture, "listener.security.protocol.map=IN", "IN", "NAME:PROTOCOL");
    assert_refused(fixture, "listener.security.protocol.map=:PLAINTEXT", ":PLAINTEXT",
                   "NAME:PROTOCOL");
    assert_int_equal(
        settings_set_pair(fixture->values, "listeners=PLAINTEXT://127.0.0.1:1", &fixture->why),
        ERR_NONE);
    assert_refused(
        fixture, "listener.security.protocol.map=IN:PLAINTEXT", "listeners has PLAINTEXT",
        "add PLAINTEXT:PLAINTEXT"); /* a map stands instead of the default, as in Kafka */
    assert_int_equal(
        settings_set_pair(fixture->values, "listeners=SSL://127.0.0.1:1", &fixture->why), ERR_NONE);
    assert_int_equal(with(fixture, "listener.security.protocol.map=SSL:PLAINTEXT"),
                     ERR_NONE); /* said in so many words */
}

/* Who may do what is asked, or looked at, or not; another authorizer than Kafka's is none. */
static void test_broker_settings_access(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *settings = &fixture->settings;
    assert_int_equal(with(fixture, "super.users=User:a"), ERR_NONE);
    assert_int_equal(settings->authorizer, AUTHORIZER_OFF);
    assert_refused(fixture, "authorizer.mode=observe", "there is no authorizer", "leave it out");
    assert_int_equal(with(fixture, "authorizer.class.name=org.apache.kafka.metadata.authorizer."
                                   "StandardAuthorizer"),
                     ERR_NONE);
    assert_int_equal(settings->authorizer, AUTHORIZER_OBSERVES);
    assert_int_equal(with(fixture, "authorizer.mode=enforce"), ERR_NONE);
    assert_int_equal(settings->authorizer, AUTHORIZER_ENFORCES);
    assert_false(settings->allow_everyone);
    assert_refused(fixture, "authorizer.class.name=kafka.security.authorizer.AclAuthorizer",
                   "is not served", "StandardAuthorizer");
    assert_int_equal(with(fixture, "authorizer.class.name="), ERR_NONE);
    assert_int_equal(with(fixture, "super.users= User:a ;; User:CN=b,O=c;"), ERR_NONE);
    assert_refused(fixture, "super.users=User:a;bob", "'bob', which is no principal", "User:admin");
    assert_refused(fixture, "super.users=User:", "which is no principal", "User:admin");
}

/* Who wants logins: by its name, or by the map; and there is a mechanism. */
static void test_broker_settings_logins(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *settings = &fixture->settings;
    assert_refused(fixture, "sasl.enabled.mechanisms=PLAIN", "no listener wants logins",
                   "leave it out");
    assert_int_equal(
        with(fixture, "listeners=SASL_PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2"), ERR_NONE);
    assert_true(settings->listeners[0].logs_in && !settings->listeners[0].tls);
    assert_false(settings->listeners[1].logs_in);
    assert_int_equal(settings->login_mechanisms, 1u << 3); /* PLAIN alone */
    assert_refused(fixture, "sasl.enabled.mechanisms=", "is empty", "SCRAM-SHA-256");
    assert_int_not_equal(
        settings_set_pair(fixture->values, "sasl.enabled.mechanisms=GSSAPI", &fixture->why),
        ERR_NONE);
    assert_int_equal(with(fixture, "sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256"),
                     ERR_NONE);
    assert_int_equal(settings->login_mechanisms, 1u << 1 | 1u << 2);
    assert_refused(fixture,
                   "listener.security.protocol.map=SASL_PLAINTEXT:SASL_SSL,PLAINTEXT:PLAINTEXT",
                   "ssl.keystore.location is empty", "private key");
    assert_int_equal(with(fixture, "ssl.keystore.location=/k.pem"), ERR_NONE);
    assert_true(settings->listeners[0].logs_in && settings->listeners[0].tls);
}

/* Tokens want a file of keys, and who issues them for whom; none of these alone means anything. */
static void test_broker_settings_tokens(void **state) {
    struct fixture *fixture = *state;
    const struct token_settings *tokens = &fixture->settings.tokens;
    static const char url[] = "sasl.oauthbearer.jwks.endpoint.url=";
    char pair[100];
    assert_int_equal(with(fixture, "listeners=SASL_PLAINTEXT://127.0.0.1:1"), ERR_NONE);
    assert_null(tokens->path);
    assert_refused(fixture, "sasl.oauthbearer.expected.issuer=i", "nobody logs in with a token",
                   "add OAUTHBEARER");
    assert_refused(fixture, "sasl.enabled.mechanisms=OAUTHBEARER", "endpoint.url is empty",
                   "file:///etc/drave/jwks.json");
    assert_refused(fixture, "sasl.oauthbearer.jwks.endpoint.url=file:///k.json",
                   "expected.audience is empty", "\"aud\"");
    assert_int_equal(with(fixture, "sasl.oauthbearer.expected.audience=a,b"), ERR_NONE);
    assert_string_equal(tokens->path, "/k.json");
    assert_string_equal(tokens->issuer, "i");
    assert_string_equal(tokens->audiences, "a,b");
    assert_string_equal(tokens->user_claim, "sub");
    assert_int_equal(tokens->skew_s, 30);
    static const char *const bad[] = {"https://h/k",     "/k.json",       "file://h/k.json",
                                      "file:k.json",     "file:///a%20b", "file:////k",
                                      "file://localhost"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(pair, sizeof pair, "%s%s", url, bad[i]);
        assert_refused(fixture, pair, bad[i], "file:///etc/drave/jwks.json");
    }
    assert_int_equal(with(fixture, "sasl.oauthbearer.jwks.endpoint.url=file://localhost/k"),
                     ERR_NONE);
    assert_string_equal(tokens->path, "/k");
    assert_int_equal(with(fixture, "sasl.oauthbearer.jwks.endpoint.url=file:/k"), ERR_NONE);
    assert_string_equal(tokens->path, "/k");
    assert_refused(fixture, "sasl.oauthbearer.sub.claim.name=", "sub.claim.name is empty",
                   "write sub");
}

/* Who speaks TLS: by its name, or by the map; it needs a key, and a key needs it. */
static void test_broker_settings_tls(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, "ssl.keystore.location=/k.pem", "no listener speaks TLS",
                   "leave it out");
    assert_int_equal(settings_set_pair(fixture->values, "ssl.keystore.location=", &fixture->why),
                     ERR_NONE);
    assert_refused(fixture, "listeners=PLAINTEXT://127.0.0.1:1,SSL://127.0.0.1:2",
                   "ssl.keystore.location is empty", "private key");
    assert_int_equal(with(fixture, "ssl.keystore.location=/k.pem"), ERR_NONE);
    const struct broker_settings *settings = &fixture->settings;
    assert_false(settings->listeners[0].tls);
    assert_true(settings->listeners[1].tls);
    assert_string_equal(settings->tls.own.path, "/k.pem");
    assert_string_equal(settings->tls.own.type, ""); /* the file says it itself */
    assert_int_equal(with(fixture, "ssl.keystore.type=PKCS12"), ERR_NONE);
    assert_string_equal(settings->tls.own.type, "PKCS12");
    assert_refused(fixture, "ssl.client.auth=required", "ssl.truststore.location is empty",
                   "CAs of clients");
    assert_int_equal(with(fixture, "ssl.truststore.location=/ca.pem"), ERR_NONE);
    assert_int_equal(settings->tls.client_auth, TLS_CLIENT_CERTIFIED);
    assert_int_equal(settings_set_pair(fixture->values,
                                       "listeners=IN://127.0.0.1:1,OUT://127.0.0.1:2",
                                       &fixture->why),
                     ERR_NONE);
    assert_int_equal(with(fixture, "listener.security.protocol.map=IN:PLAINTEXT,OUT:SSL"),
                     ERR_NONE);
    assert_true(settings->listeners[1].tls && !settings->listeners[0].tls);
    /* What it is called counts less than what is said of it. */
    assert_int_equal(settings_set_pair(fixture->values,
                                       "listeners=SSL://127.0.0.1:1,OUT://127.0.0.1:2",
                                       &fixture->why),
                     ERR_NONE);
    assert_int_equal(with(fixture, "listener.security.protocol.map=SSL:PLAINTEXT,OUT:SSL"),
                     ERR_NONE);
    assert_true(settings->listeners[1].tls && !settings->listeners[0].tls);
}

/* A password is for a file, not for a list of processes, and no sentence shows it. */
static void test_broker_settings_secrets(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(settings_set_pair(fixture->values, "ssl.key.password=abc", &fixture->why),
                     ERR_INVALID);
    assert_non_null(strstr(fixture->why.text, "--config"));
    assert_null(strstr(fixture->why.text, "abc"));
    assert_int_equal(
        settings_set(fixture->values, "ssl.key.password", "a\001bc", "FILE:1", &fixture->why),
        ERR_INVALID);
    assert_null(strstr(fixture->why.text, "bc is"));
    assert_int_equal(
        settings_set(fixture->values, "ssl.key.password", "abc", "FILE:1", &fixture->why),
        ERR_NONE);
}

/* A setting of Kafka's that means nothing here, one that may only be what is so, and one that
 * nobody knows. */
static void test_broker_settings_of_kafka(void **state) {
    struct fixture *fixture = *state;
    size_t count;
    const struct setting_absent *absent = broker_settings_absent(&count);
    settings_know_absent(fixture->values, absent, count);
    assert_refused(fixture, "log.dirs=/data", "Kafka's setting log.dirs is not there", "data.dir");
    assert_refused(fixture, "ssl.provider=x", "Kafka's setting ssl.provider", "OpenSSL");
    assert_refused(fixture, "ssl.keystore.key=x", "Kafka's setting ssl.keystore.key",
                   "ssl.keystore.location");
    assert_refused(fixture, "num.partitons=3", "there is no setting num.partitons",
                   "did you mean num.partitions?");
    assert_refused(fixture, "log.preallocate=true", "log.preallocate=true is not possible",
                   "set it to false");
    assert_int_equal(with(fixture, "log.flush.interval.messages=10000"), ERR_NONE);
    assert_refused(fixture, "log.retenion.hours=-1", "there is no setting log.retenion.hours",
                   "did you mean log.retention.hours?");
    assert_int_equal(with(fixture, "log.retention.hours=-1"), ERR_NONE);
    assert_int_equal(with(fixture, "unclean.leader.election.enable=False"), ERR_NONE);
    assert_int_equal(with(fixture, "process.roles=controller,broker"), ERR_NONE);
}

/* cluster.nodes is sorted and written in one way, whatever blanks and order it came in. */
static void test_broker_settings_nodes(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(
        with(fixture, "cluster.nodes= 3@127.0.0.1:9293 ,1@localhost:9291,2@[::1]:9292"), ERR_NONE);
    assert_string_equal(fixture->settings.nodes_text,
                        "1@localhost:9291,2@[::1]:9292,3@127.0.0.1:9293");
    assert_int_equal(fixture->settings.node_count, 3);
    assert_string_equal(fixture->settings.peer_host, "127.0.0.1");
    assert_int_equal(fixture->settings.peer_port, 9291);
}

/* Lists that make no sense, and a peer port that the others could not reach. */
static void test_broker_settings_wrong_nodes(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture, "cluster.nodes=2@a:1,3@b:1", "broker 1 (node.id)", "does not have it");
    assert_refused(fixture, "cluster.nodes=1@a:1,1@b:1", "broker 1 twice", "its own id");
    assert_refused(fixture, "cluster.nodes=1@127.0.0.1:1,2@b:1,3@B:1", "two brokers at B:1",
                   "broker 3");
    assert_refused(fixture, "cluster.nodes=1@a", "1@a", "ID@HOST:PORT");
    assert_refused(fixture, "cluster.nodes=one@a:1", "one@a:1", "ID@HOST:PORT");
    assert_refused(fixture, "cluster.nodes=1@0.0.0.0:1", "1@0.0.0.0:1", "ID@HOST:PORT");
    assert_refused(fixture, "cluster.nodes=99999999999@a:1", "99999999999@a:1", "ID@HOST:PORT");
    assert_refused(fixture, "cluster.nodes=1@10.0.0.1:9093,2@10.0.0.2:9093", "10.0.0.1:9093",
                   "peer.listen=0.0.0.0:9093");
    assert_int_equal(with(fixture, "peer.listen=:9093"), ERR_NONE);
    assert_string_equal(fixture->settings.peer_host, "0.0.0.0");
    assert_refused(fixture, "peer.listen=9093", "peer.listen=9093", "HOST:PORT");
    assert_refused(fixture, "peer.listen=:0", "peer.listen=:0", "the port of its own entry");
}

/* The longest list that is possible has its text, too. */
static void test_broker_settings_longest_list(void **state) {
    struct fixture *fixture = *state;
    static char pair[BROKER_NODES_MAX * 300] = "cluster.nodes=";
    char host[HOST_MAX + 1];
    memset(host, 'h', HOST_MAX);
    host[HOST_MAX] = '\0';
    assert_int_equal(settings_set_pair(fixture->values, "peer.listen=:1", &fixture->why), ERR_NONE);
    assert_int_equal(settings_set_pair(fixture->values, "node.id=2147483647", &fixture->why),
                     ERR_NONE);
    for (int i = 0; i < BROKER_NODES_MAX; i++)
        snprintf(pair + strlen(pair), sizeof pair - strlen(pair), "%d@%s:%d,", INT32_MAX - i, host,
                 65535 - i);
    assert_int_equal(with(fixture, pair), ERR_NONE);
    assert_int_equal(fixture->settings.node_count, BROKER_NODES_MAX);
    snprintf(pair + strlen(pair), sizeof pair - strlen(pair), "1@h:1");
    assert_refused(fixture, pair, "more than 64", "remove some");
}

/* No text is longer than what every version of the protocol can tell: a client of an older one
 * would be closed at each question. */
static void test_broker_settings_long_texts(void **state) {
    struct fixture *fixture = *state;
    static char pair[40000] = "broker.rack=";
    memset(pair + strlen(pair), 'r', INT16_MAX);
    assert_int_equal(with(fixture, pair), ERR_NONE);
    pair[strlen(pair)] = 'r';
    assert_refused(fixture, pair, "broker.rack=rrr", "32767 at most");
}

/* Pairs of settings that do not fit each other. */
static void test_broker_settings_do_not_fit(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(with(fixture, "max.request.partitions=2"), ERR_NONE);
    assert_refused(fixture, "num.partitions=3", "num.partitions=3", "max.request.partitions=2");
    assert_int_equal(with(fixture, "num.partitions=2"), ERR_NONE);
    assert_int_equal(with(fixture, "max.partitions=2"), ERR_NONE);
    assert_int_equal(settings_set_pair(fixture->values, "max.request.partitions=9", &fixture->why),
                     ERR_NONE);
    assert_refused(fixture, "num.partitions=3", "num.partitions=3", "max.partitions=2");
    assert_int_equal(with(fixture, "num.partitions=2"), ERR_NONE);
    assert_refused(fixture, "raft.heartbeat.ms=400", "raft.election.timeout.ms=1000", "1200");
    assert_int_equal(with(fixture, "raft.heartbeat.ms=200"), ERR_NONE);
    assert_refused(fixture, "broker.session.timeout.ms=3000", "broker.session.timeout.ms=3000",
                   "4000");
    assert_int_equal(with(fixture, "broker.session.timeout.ms=9000"), ERR_NONE);
    assert_refused(fixture, "journal.max.bytes=16777217", "journal.max.bytes=16777217",
                   "journal.file.bytes=16777216");
    assert_int_equal(with(fixture, "journal.max.bytes=33554432"), ERR_NONE);
    assert_int_equal(fixture->settings.journal_file_bytes,
                     33554432 / 16); /* the ring has files to turn with */
    assert_refused(fixture, "socket.request.max.bytes=2000", "message.max.bytes=1048588",
                   "socket.request.max.bytes=2000");
    assert_int_equal(with(fixture, "message.max.bytes=1000"), ERR_NONE);
    assert_refused(fixture, "default.replication.factor=0", "default.replication.factor=0",
                   "-1 or 1");
}

static void on_warning(void *arg, const char *sentence) {
    struct fixture *fixture = arg;
    size_t used = strlen(fixture->warnings);
    snprintf(fixture->warnings + used, sizeof fixture->warnings - used, "%s\n", sentence);
}

/* Settings with which one lost broker stops writing get a warning; good ones get none. */
static void test_broker_settings_warnings(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(with(fixture, "cluster.nodes=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3"),
                     ERR_NONE);
    broker_settings_warnings(&fixture->settings, on_warning, fixture);
    assert_string_equal(fixture->warnings, "");
    assert_int_equal(with(fixture, "min.insync.replicas=3"), ERR_NONE);
    broker_settings_warnings(&fixture->settings, on_warning, fixture);
    assert_non_null(
        strstr(fixture->warnings,
               "min.insync.replicas=3 with 3 replicas stops writing when one broker is lost"));
    assert_int_equal(with(fixture, "default.replication.factor=2"), ERR_NONE);
    broker_settings_warnings(&fixture->settings, on_warning, fixture);
    assert_non_null(strstr(fixture->warnings, "a topic with 2 replicas stops writing"));
    assert_int_equal(with(fixture, "default.replication.factor=4"), ERR_NONE);
    broker_settings_warnings(&fixture->settings, on_warning, fixture);
    assert_non_null(strstr(fixture->warnings,
                           "default.replication.factor=4 is more than there are brokers (3"));
    assert_int_equal(with(fixture, "metadata.voters=1"), ERR_NONE);
    broker_settings_warnings(&fixture->settings, on_warning, fixture);
    assert_non_null(strstr(fixture->warnings, "1 of 3 brokers vote on metadata"));
}

/* By itself the console is only where nobody else reaches it. */
static void test_broker_settings_console(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *listen, *serve;
        bool console;
    } cases[] = {{"127.0.0.1:1", "loopback", true},
                 {"[::1]:1", "loopback", true},
                 {"localhost:1", "loopback", true},
                 {":1", "loopback", false},
                 {"0.0.0.0:1", "loopback", false},
                 {"10.0.0.1:1", "loopback", false},
                 {"0.0.0.0:1", "always", true},
                 {"127.0.0.1:1", "never", false},
                 {"", "always", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pair[64];
        snprintf(pair, sizeof pair, "console.serve=%s", cases[i].serve);
        assert_int_equal(with(fixture, pair), ERR_NONE);
        snprintf(pair, sizeof pair, "http.listen=%s", cases[i].listen);
        assert_int_equal(with(fixture, pair), ERR_NONE);
        assert_int_equal(fixture->settings.console, cases[i].console);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_broker_settings_defaults),    TEST(test_broker_settings_table_is_whole),
        TEST(test_broker_settings_listeners),   TEST(test_broker_settings_wrong_listeners),
        TEST(test_broker_settings_same_port),   TEST(test_broker_settings_told),
        TEST(test_broker_settings_protocols),   TEST(test_broker_settings_tls),
        TEST(test_broker_settings_logins),      TEST(test_broker_settings_tokens),
        TEST(test_broker_settings_access),      TEST(test_broker_settings_secrets),
        TEST(test_broker_settings_of_kafka),    TEST(test_broker_settings_nodes),
        TEST(test_broker_settings_wrong_nodes), TEST(test_broker_settings_longest_list),
        TEST(test_broker_settings_do_not_fit),  TEST(test_broker_settings_long_texts),
        TEST(test_broker_settings_warnings),    TEST(test_broker_settings_console),
    };
    return cmocka_run_group_tests_name("broker_settings", tests, NULL, NULL);
}
