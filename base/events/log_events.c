/* The rows. */
#include "base/events/log_events.h"

static const struct log_event_row table[LOG_EVENTS] = {
    [LOGGED_DETAIL] = {"detail", LOG_DEBUG, "What helps to find a fault.", ""},
    [LOGGED_STARTING] = {"starting", LOG_INFO,
                         "The broker begins, with its version, its directory and its addresses.",
                         ""},
    [LOGGED_READY] = {"ready", LOG_INFO, "Clients are served from here on.", ""},
    [LOGGED_STOPPING] = {"stopping", LOG_INFO,
                         "It was asked to stop: leaderships are handed over first.", ""},
    [LOGGED_STOPPED] = {"stopped", LOG_INFO, "It has stopped; nothing of it is under way any more.",
                        ""},
    [LOGGED_START_REFUSED] =
        {"start_refused", LOG_ERROR, "It cannot run like this, and ends.",
         "The line says what is in the way; systemd does not start it again by itself then."},
    [LOGGED_PROCESS_ENDS] =
        {"process_ends", LOG_ERROR,
         "Something without which nothing can go on failed; the process ends at once, and loses nothing that was acknowledged.",
         "The line says what failed: a disk, most of the time. Look at dmesg before it is started again."},
    [LOGGED_INTERNAL_ERROR] = {"internal_error", LOG_ERROR,
                               "A bug of draved was noticed; it goes on as well as it can.",
                               "Please report it, with the line."},
    [LOGGED_REMOVED_FROM_CLUSTER] =
        {"removed_from_cluster", LOG_ERROR, "This broker was removed from its cluster.",
         "Stop it; its directory is of no use to the cluster any more."},
    [LOGGED_SETTINGS_WARNING] =
        {"settings_warning", LOG_WARN,
         "A setting is taken otherwise than it was written, or is not known.",
         "Correct it where the line says; docs/configuration.md has them all."},
    [LOGGED_SETTINGS_CHANGED] =
        {"settings_changed", LOG_INFO,
         "Settings of brokers were changed in the cluster, and are followed.", ""},
    [LOGGED_FEW_FILES] =
        {"few_files", LOG_WARN,
         "Fewer files may be open than the settings need: fewer clients are let in, or segments are opened and closed more often.",
         "Raise the hard limit: LimitNOFILE= of the unit, or ulimit -Hn."},
    [LOGGED_HTTP_SERVED] = {"http_served", LOG_INFO, "Where metrics, health and the console are.",
                            ""},
    [LOGGED_HTTP_NOT_SERVED] =
        {"http_not_served", LOG_WARN,
         "The default port of http.listen is taken: metrics and health are not served.",
         "Set http.listen to a port that is free, or to nothing."},
    [LOGGED_LOOP_TURN_LONG] =
        {"loop_turn_long", LOG_WARN,
         "Nobody was served for longer than loop.turn.warn.ms, because one thing took so much processor time.",
         "Rare ones do no harm. If they go on: is the machine shared, or swapping? Else report it with the line, which names what took long."},
    [LOGGED_CLUSTER_WAITS] =
        {"cluster_waits", LOG_INFO,
         "The broker is not in a cluster yet; the line says for whom it waits.",
         "Start the others, or admit it as the line says."},
    [LOGGED_CLUSTER_FORMED] = {"cluster_formed", LOG_INFO, "The broker is in a cluster now.", ""},
    [LOGGED_REGISTRATION_WAITS] =
        {"registration_waits", LOG_WARN,
         "The metadata leader does not take this broker up yet; it is asked again.",
         "The line says what is in the way."},
    [LOGGED_BROKER_FENCED] =
        {"broker_fenced", LOG_WARN,
         "A broker was not heard by the metadata leader for broker.session.timeout.ms, or has stopped: it gets no new replicas and no leads.",
         "If it was not meant to stop: start it; else look at the network between the two."},
    [LOGGED_BROKER_BACK] = {"broker_back", LOG_INFO, "A broker that was fenced is heard again.",
                            ""},
    [LOGGED_ISOLATED] =
        {"isolated", LOG_WARN,
         "This broker does not hear a majority of the others: its clients are sent to them.",
         "Look at the network of this machine; it mends itself when they are heard."},
    [LOGGED_ISOLATION_OVER] = {"isolation_over", LOG_INFO, "A majority is heard again.", ""},
    [LOGGED_FEATURE_RAISED] =
        {"feature_raised", LOG_INFO,
         "All brokers know a feature of a newer version; it is used from here on.", ""},
    [LOGGED_LETTERS_WAIT] =
        {"letters_wait", LOG_WARN,
         "Dead letters of a share group can not be copied; they wait, and are tried again.",
         "The line says why; nothing is lost meanwhile, and the group goes on behind them."},
    [LOGGED_PEER_CONNECTED] = {"peer_connected", LOG_INFO,
                               "This broker is connected with another one.", ""},
    [LOGGED_PEER_LOST] =
        {"peer_lost", LOG_WARN,
         "The connection with another broker broke; it is made again by itself, and leaders move if it takes long.",
         "If that broker was not stopped, and it comes again: its load and pauses, then the network between the two."},
    [LOGGED_PEER_REFUSED] =
        {"peer_refused", LOG_WARN, "Somebody who says that he is a broker was not let in.",
         "The line says why: two brokers of one id, another cluster, another version, or an address that cluster.nodes does not have."},
    [LOGGED_PEER_REFUSED_US] = {"peer_refused_us", LOG_WARN,
                                "Another broker does not let this one in; it is tried again.",
                                "The line has its sentence, which says what to correct."},
    [LOGGED_PEER_STRANGER] =
        {"peer_stranger", LOG_WARN, "Something that is no broker speaks to the peer port.",
         "Clients belong to a port of listeners; keep the peer port (peer.listen) closed to all but brokers."},
    [LOGGED_MESSAGE_UNKNOWN] =
        {"message_unknown", LOG_WARN,
         "A message of another broker is not understood, and was dropped.",
         "Give all brokers the same version; finish an upgrade that is under way."},
    [LOGGED_MESSAGE_REFUSED] =
        {"message_refused", LOG_WARN,
         "A message of another broker contradicts what is known here, and was dropped.",
         "If it goes on: draved log verify on both, and report it."},
    [LOGGED_METADATA_LED] = {"metadata_led", LOG_INFO,
                             "This broker leads the metadata of the cluster.", ""},
    [LOGGED_METADATA_LED_NO_MORE] = {"metadata_led_no_more", LOG_INFO,
                                     "Another broker leads the metadata, or none.", ""},
    [LOGGED_METADATA_COPY_BAD] =
        {"metadata_copy_bad", LOG_WARN,
         "The copy of the metadata beside its log is damaged; the log is read from its beginning instead.",
         "Nothing is lost; the start takes longer. Look at the disk."},
    [LOGGED_METADATA_SERVER_CHANGED] =
        {"metadata_server_changed", LOG_INFO,
         "A broker joined those that hold the metadata, or left them.", ""},
    [LOGGED_LEADERS_TOO_MANY] =
        {"leaders_too_many", LOG_WARN,
         "A broker says that it leads more groups than there can be; the rest is left out.",
         "Report it, with the version of that broker."},
    [LOGGED_TWO_LEADERS] =
        {"two_leaders", LOG_ERROR,
         "Two brokers say that they lead the same group in the same term, which must never be.",
         "Stop one of the two, keep both directories, and report it."},
    [LOGGED_LEADS_MOVED_BACK] = {"leads_moved_back", LOG_INFO,
                                 "Leads went back to where they were placed.", ""},
    [LOGGED_LEADS_NOT_HANDED_OVER] =
        {"leads_not_handed_over", LOG_WARN,
         "The broker stops before all its leads were handed over: clients of these wait for an election.",
         "Are the others up, and in sync? Ask drave broker stoppable before stopping."},
    [LOGGED_REPLICA_MOVED] = {"replica_moved", LOG_INFO,
                              "A replica came to a partition, left it, or has begun to count.", ""},
    [LOGGED_MAJORITY_GIVEN_UP] =
        {"majority_given_up", LOG_WARN,
         "A majority of the replicas is lost for good, and somebody let the rest go on without it: what only they had is lost.",
         "Tell whoever owns the topic; docs/operations.md says what to look at."},
    [LOGGED_SHARE_GROUP_GAVE_WAY] =
        {"share_group_gave_way", LOG_WARN,
         "A share group that nobody used lost its place in a partition to a new one.",
         "When it comes back it begins there as share.auto.offset.reset says. If names are made up: restrict who may READ which groups."},
    [LOGGED_TOPIC_NOT_CREATED] =
        {"topic_not_created", LOG_WARN, "A topic that a client asked for was not created.",
         "The line says why; create it by hand, or set auto.create.topics.enable=false."},
    [LOGGED_TOPIC_NAMES_ALIKE] =
        {"topic_names_alike", LOG_WARN,
         "Two topics differ only in '.' and '_', which other tools' metrics cannot tell apart.",
         "Name one of them otherwise."},
    [LOGGED_PARTITION_NOT_OPENED] =
        {"partition_not_opened", LOG_ERROR,
         "A partition cannot be opened here; it is tried again, the other replicas go on.",
         "The line says what is wrong with its files; draved log verify names all that is damaged."},
    [LOGGED_PARTITION_OPENED] = {"partition_opened", LOG_INFO,
                                 "A partition that could not be opened is open now.", ""},
    [LOGGED_FILES_NOT_REMOVED] =
        {"files_not_removed", LOG_ERROR,
         "Files of a deleted topic, or of a replica that left, cannot be removed; they stay until the next start.",
         "The line has what the disk says: permissions, most of the time."},
    [LOGGED_TRIM_WAITS] =
        {"trim_waits", LOG_WARN,
         "Records below the start of a log were to go, and their files stay: a replica still needs them.",
         "Start the broker that the line names, or replace it."},
    [LOGGED_RETENTION_WAITS] =
        {"retention_waits", LOG_WARN,
         "A record from the future keeps a segment, and all behind it, longer than retention.ms says.",
         "Correct the clock of whoever wrote it; drave topic trim removes what is there."},
    [LOGGED_PRODUCERS_FULL] =
        {"producers_full", LOG_WARN,
         "A partition remembers as many idempotent producers as it may: new ones are refused.",
         "Is a producer made for each record? Else raise partition.max.producers."},
    [LOGGED_CLEANING_FAILED] = {"cleaning_failed", LOG_WARN,
                                "A compacted partition could not be cleaned; it is tried again.",
                                "The line has what the disk says; it grows meanwhile."},
    [LOGGED_ENTRY_NOT_APPLIED] =
        {"entry_not_applied", LOG_ERROR,
         "A committed entry does not say what this version understands.",
         "Was the broker upgraded last, or is its log damaged? draved log verify."},
    [LOGGED_LOG_DAMAGED] =
        {"log_damaged", LOG_ERROR,
         "Reads met bytes that are not what was written; partitions that have them are led elsewhere, and mended with what other brokers have.",
         "Look at the disk (dmesg, smartctl); draved log verify names all that is damaged."},
    [LOGGED_LOG_MENDED] =
        {"log_mended", LOG_INFO, "Damage was mended with entries of other brokers.",
         "Look at the disk all the same: the next damage may be where nobody can mend it."},
    [LOGGED_REPLICA_WHOLE] = {"replica_whole", LOG_INFO,
                              "All that was damaged of a replica is mended.", ""},
    [LOGGED_STATE_AWAITED] =
        {"state_awaited", LOG_WARN,
         "Damage keeps a replica from applying what follows, and no other broker gives what it should know; it is asked for again.",
         "Start the brokers with replicas that are down."},
    [LOGGED_STATE_TAKEN_OVER] =
        {"state_taken_over", LOG_INFO,
         "A replica that damage kept from applying took over what another broker knows.",
         "Look at the disk all the same."},
    [LOGGED_LOG_BEGINS_LATER] =
        {"log_begins_later", LOG_INFO,
         "A log that could not be opened begins where that of another replica does, because nobody has what is damaged in it any more.",
         "Look at the disk all the same."},
    [LOGGED_LOG_UNREADABLE] =
        {"log_unreadable", LOG_ERROR,
         "A log cannot be read at present, so its replica waits; it is tried again.",
         "The line has what the disk says."},
    [LOGGED_LOG_READ_FAILED] = {"log_read_failed", LOG_WARN,
                                "Looking for damage, or mending it, failed; it is tried again.",
                                "The line has what the disk says."},
    [LOGGED_ENTRY_UNREADABLE] =
        {"entry_unreadable", LOG_ERROR, "An entry cannot be read: whoever needs it waits.",
         "draved log verify says which file; if another broker has it, it is mended."},
    [LOGGED_REPLICA_STOPPED] =
        {"replica_stopped", LOG_ERROR,
         "A replica stops because something is wrong with its log; the other replicas go on.",
         "Keep the directory; draved log verify; then restart the broker."},
    [LOGGED_REPLICA_LOST_DATA] =
        {"replica_lost_data", LOG_ERROR,
         "A replica lacks what it had acknowledged: it does not count until another leader is elected.",
         "Check the disk of that broker: it lost writes that it said were there."},
    [LOGGED_REPLICA_STRANDED] =
        {"replica_stranded", LOG_ERROR,
         "A replica lacks what cannot be given to it from here: it stays behind, and does not count.",
         "The line says what helps: an upgrade, or moving that replica."},
    [LOGGED_LOG_BEGINS_ANEW] =
        {"log_begins_anew", LOG_INFO,
         "A replica that was away for long got the beginning of its log as files.", ""},
    [LOGGED_LOG_BEGINNING_BAD] =
        {"log_beginning_bad", LOG_ERROR,
         "The beginning of a log, as another broker sent it, is not whole; it is asked for again.",
         "If it goes on: draved log verify on that broker."},
    [LOGGED_LOG_BEGINNING_WAITS] =
        {"log_beginning_waits", LOG_WARN,
         "The beginning of a log cannot be fetched at present; it is tried again.",
         "The line has what is in the way: room on the disk, most of the time."},
    [LOGGED_FILE_MADE_AGAIN] =
        {"file_made_again", LOG_WARN,
         "An index or another small file beside the segments was damaged, and is made again from them.",
         "Nothing is lost; look at the disk if it happens again."},
    [LOGGED_KEPT_STATE_BAD] =
        {"kept_state_bad", LOG_ERROR,
         "The state kept beside a log is damaged; it is still in memory, and written anew.",
         "Look at the disk."},
    [LOGGED_KEPT_STATE_WAITS] =
        {"kept_state_waits", LOG_WARN,
         "The state beside a log cannot be written now: the next start takes longer.",
         "The line has what the disk says: make room."},
    [LOGGED_SEGMENT_WRITE_WAITS] =
        {"segment_write_waits", LOG_WARN,
         "A segment cannot be written now; entries wait in the journal and in memory.",
         "The line has what the disk says: make room."},
    [LOGGED_DISK_FULL] =
        {"disk_full", LOG_ERROR,
         "Less than disk.min.free.bytes is free: produce is refused, reads and deletions go on.",
         "Make room: retention, drave topic delete, a larger disk; it goes on by itself."},
    [LOGGED_DISK_HAS_ROOM] = {"disk_has_room", LOG_INFO, "There is room again: produce is taken.",
                              ""},
    [LOGGED_JOURNAL_FULL] =
        {"journal_full", LOG_WARN,
         "The journal needs room that it cannot have now: what is produced waits.",
         "The line says why: the disk is full, files are few, or segments are written too slowly."},
    [LOGGED_JOURNAL_HAS_ROOM] = {"journal_has_room", LOG_INFO, "The journal goes on.", ""},
    [LOGGED_JOURNAL_WRITE_WAITS] = {"journal_write_waits", LOG_WARN,
                                    "The journal cannot be written now: what is produced waits.",
                                    "The line has what the disk says."},
    [LOGGED_JOURNAL_TAIL_CUT] =
        {"journal_tail_cut", LOG_INFO,
         "The last write before the process ended was not finished; nothing of it was acknowledged.",
         ""},
    [LOGGED_TRANSACTION_END_STUCK] =
        {"transaction_end_stuck", LOG_WARN,
         "A transaction is not ended everywhere: a partition has heard of a later coordinator.",
         "If the line comes again and again, markers were written by hand; drave txn find-hanging."},
    [LOGGED_TRANSACTION_ENDED_BY_HAND] =
        {"transaction_ended_by_hand", LOG_WARN,
         "Somebody else has ended a transaction on a partition.",
         "Only if nobody did so on purpose: who runs kafka-transactions abort?"},
    [LOGGED_TRANSACTION_MARKER_LATE] =
        {"transaction_marker_late", LOG_WARN,
         "A transaction was decided, and a partition has not taken that in: readers of committed records wait there.",
         "Does the partition have a leader, and room? drave topic describe."},
    [LOGGED_CONNECTIONS_FULL] =
        {"connections_full", LOG_WARN,
         "As many clients are connected as may be; further ones wait.",
         "Raise what the line names, or find who connects too often: drave client list."},
    [LOGGED_CONNECTIONS_OF_ADDRESS] =
        {"connections_of_address", LOG_WARN,
         "An address has as many connections as one may; the next was closed.",
         "Raise max.connections.per.ip, or find the leak there."},
    [LOGGED_CLIENT_REFUSED] =
        {"client_refused", LOG_WARN,
         "The connection of a client was closed; the line says what it did.",
         "Old clients, other protocols, or one that does not read what it asked for."},
    [LOGGED_LOGIN_FAILED] =
        {"login_failed", LOG_WARN,
         "A client could not log in; the line names it, the user, and what was wrong. It was told less: that it failed.",
         "drave user list; drave user set. If nobody there should log in: somebody tries passwords."},
    [LOGGED_USERS_CHANGED] =
        {"users_changed", LOG_INFO,
         "A user was added or deleted, or has another password; the line says by whom.", ""},
    [LOGGED_ACCESS_DENIED] =
        {"access_denied", LOG_WARN,
         "Somebody asked for what the rules do not let him do, or would not if authorizer.mode were enforce.",
         "The line has the command that would allow it; if it should not be, nothing is to be done."},
    [LOGGED_ACLS_CHANGED] =
        {"acls_changed", LOG_INFO,
         "A rule of who may do what was added or removed; the line says which, and by whom.", ""},
    [LOGGED_CONFIGS_CHANGED] =
        {"configs_changed", LOG_INFO,
         "Settings of a topic, a group or brokers were set or unset; the line says which, and by whom.",
         ""},
    [LOGGED_QUOTAS_CHANGED] =
        {"quotas_changed", LOG_INFO,
         "A quota of a user or client was set or taken away; the line says which, and by whom.",
         ""},
    [LOGGED_CERTIFICATE_ENDS] =
        {"certificate_ends", LOG_ERROR,
         "The certificate that clients are shown ends within a week, or has ended: they refuse it then.",
         "Put a new one into the file that the line names: it is read without a restart."},
    [LOGGED_CERTIFICATE_ENDS_SOON] =
        {"certificate_ends_soon", LOG_WARN,
         "The certificate that clients are shown ends within a month.",
         "Put a new one into the file that the line names: it is read without a restart."},
    [LOGGED_CERTIFICATE_NAMES] =
        {"certificate_names", LOG_WARN,
         "The certificate does not name the host that clients are told, which they check.",
         "Make one that has the host of advertised.listeners among its SANs."},
    [LOGGED_KEY_READABLE] =
        {"key_readable", LOG_WARN,
         "Everybody on the machine may read the private key of the listeners, and stand in for the broker.",
         "chmod 640 the file that the line names, with the group of draved; make a new key if strangers have accounts there."},
    [LOGGED_CERTIFICATE_READ] =
        {"certificate_read", LOG_INFO,
         "The files of TLS were read anew, because they have changed or somebody asked for it; new connections use what is in them now.",
         ""},
    [LOGGED_CERTIFICATE_REFUSED] =
        {"certificate_refused", LOG_ERROR,
         "What is in the files of TLS now cannot be used; what was read before stays.",
         "Mend the file that the line names; it is looked at again by itself."},
    [LOGGED_TOKEN_KEYS_READ] =
        {"token_keys_read", LOG_INFO,
         "The file of the keys that sign tokens was read anew, because it has changed or somebody asked for it.",
         ""},
    [LOGGED_TOKEN_KEYS_REFUSED] =
        {"token_keys_refused", LOG_ERROR,
         "What is in the file of the keys that sign tokens now cannot be used; what was read before stays.",
         "Mend the file of sasl.oauthbearer.jwks.endpoint.url; it is looked at again by itself."},
    [LOGGED_MEMORY_SPENT] =
        {"memory_spent", LOG_WARN,
         "The memory that clients make the broker hold is spent: those that need some wait, and who is too slow to send or to read is closed.",
         "A moment of it does no harm. If it goes on: drave client list, or raise queued.max.request.bytes."},
    [LOGGED_ACCEPT_FAILED] =
        {"accept_failed", LOG_WARN, "A connection was not accepted.",
         "The line has what the system says: files are few, most of the time (LimitNOFILE)."},
    [LOGGED_HANGUP_UNWATCHED] =
        {"hangup_unwatched", LOG_WARN,
         "The system cannot watch one more connection: its end may be noticed late.",
         "Raise fs.epoll.max_user_watches or the limit of open files."},
    [LOGGED_CONSOLE_CHANGE] =
        {"console_change", LOG_INFO,
         "Somebody changed something in the console; the line says from where, and what.", ""},
};

bool log_event_is_kept(enum log_event event) {
    switch (event) {
    case LOGGED_SETTINGS_CHANGED:
    case LOGGED_USERS_CHANGED:
    case LOGGED_ACLS_CHANGED:
    case LOGGED_CONFIGS_CHANGED:
    case LOGGED_QUOTAS_CHANGED:
    case LOGGED_CONSOLE_CHANGE: return true;
    default: return false;
    }
}

const struct log_event_row *log_event_table(void) {
    return table;
}

const char *log_level_name(enum log_level level) {
    static const char *const names[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    return names[level];
}
