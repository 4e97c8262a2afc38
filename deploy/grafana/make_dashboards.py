#!/usr/bin/env python3
"""Makes the dashboards out of the tables below:  deploy/grafana/make_dashboards.py [FOLDER]   (deploy/grafana/dashboards)

A panel is one line of a table; its place follows from its width. What is changed in Grafana itself is lost with the next run: change it here.
"""

import json
import sys
from pathlib import Path

SOURCE = {"type": "prometheus", "uid": "${source}"}
HERE = 'instance=~"$instance"'  # the brokers that were chosen
RATE = "[$__rate_interval]"
GRID = 24


def rate(name, by="instance", labels=HERE):
    return f"sum by ({by}) (rate({name}{{{labels}}}{RATE}))"


def quantile(q, name, by="instance", labels=HERE):
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({name}_bucket{{{labels}}}{RATE})))"


# ---- Kinds of panels ----


def panel(kind, title, width, height, unit, queries, description=""):
    targets = [
        {"refId": chr(65 + i), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
        for i, (expression, legend) in enumerate(queries)
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {},
        "targets": targets,
    }


def graph(title, unit, *queries, width=8, stacked=False, description=""):
    made = panel("timeseries", title, width, 8, unit, queries, description)
    made["fieldConfig"]["defaults"]["custom"] = {
        "fillOpacity": 20 if stacked else 0,
        "showPoints": "never",
        "stacking": {"mode": "normal" if stacked else "none"},
    }
    made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return made


def number(title, query, unit="none", bad=None, good=None, width=3, description=""):
    """One number; red from `bad` on, or red below `good`."""
    made = panel("stat", title, width, 4, unit, [(query, title)], description)
    steps = [{"color": "green", "value": None}]
    if bad is not None:
        steps.append({"color": "red", "value": bad})
    if good is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": good}]
    made["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    made["options"] = {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return made


def table(title, label, *columns, description=""):
    """One row for each value of the label; columns are (name, query, unit)."""
    made = panel("table", title, GRID, 10, "none", [(query, name) for name, query, _ in columns], description)
    for target in made["targets"]:
        target |= {"instant": True, "format": "table"}
    made["transformations"] = [
        {"id": "joinByField", "options": {"byField": label, "mode": "outer"}},
        {"id": "filterFieldsByName", "options": {"include": {"pattern": f"^({label}|Value.*)$"}}},
        {
            "id": "organize",
            "options": {"renameByName": {f"Value #{chr(65 + i)}": name for i, (name, _, _) in enumerate(columns)}},
        },
    ]
    made["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]} for name, _, unit in columns
    ]
    return made


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": GRID, "h": 1}}


# ---- The dashboards ----

CLUSTER = [
    number("Brokers up", 'sum(up{job="drave"})'),
    number("Brokers ready", "sum(drave_ready)", description="As /health/ready says."),
    number("Brokers not heard of", 'max(drave_brokers{state="fenced"})', bad=1),
    number("Metadata leaders", "sum(drave_metadata_leader)", good=1, description="There must be one."),
    number("Without a leader", "max(drave_partitions_leaderless)", bad=1, description="Partitions that are neither written nor read."),
    number("Refuse produce", "sum(drave_partitions_below_min_insync)", bad=1, description="Partitions with too few replicas in sync."),
    number(
        "Not all in sync",
        "sum(drave_partitions_under_replicated)",
        bad=1,
        description="Partitions of which a replica is missing or behind.",
    ),
    number("Versions", "count(count by (version) (drave_build_info))", bad=2),
    row("Traffic"),
    graph("Bytes in, of clients", "Bps", (rate("drave_received_bytes_total"), "{{instance}}"), stacked=True),
    graph("Bytes out, to clients", "Bps", (rate("drave_sent_bytes_total"), "{{instance}}"), stacked=True),
    graph("Requests", "reqps", (rate("drave_requests_total", "api"), "{{api}}"), stacked=True),
    graph(
        "Produce: time to the answer",
        "s",
        (quantile(0.5, "drave_request_seconds", "api", f'api="produce",{HERE}'), "half within"),
        (quantile(0.99, "drave_request_seconds", "api", f'api="produce",{HERE}'), "99 % within"),
        (quantile(0.999, "drave_request_seconds", "api", f'api="produce",{HERE}'), "99.9 % within"),
        description="An answer comes after a majority has the batch on its disk.",
    ),
    graph(
        "99 % of requests within",
        "s",
        (quantile(0.99, "drave_request_seconds", "api"), "{{api}}"),
        description="Without what clients asked to wait.",
    ),
    graph(
        "Where the time of produce goes",
        "s",
        (
            f"sum by (stage) (rate(drave_produce_stage_seconds_sum{{{HERE}}}{RATE})) "
            f"/ sum by (stage) (rate(drave_produce_stage_seconds_count{{{HERE}}}{RATE}))",
            "{{stage}}",
        ),
        (quantile(0.99, "drave_produce_stage_seconds", "stage"), "99 % within: {{stage}}"),
        description="gather: checks. journal: our own disk. quorum: the others, behind it.",
    ),
    graph("Requests under way", "none", (f"drave_requests_in_flight{{{HERE}}}", "{{instance}}")),
    graph("Clients", "none", (f"sum by (instance) (drave_connections{{{HERE}}})", "{{instance}}")),
    graph(
        "Clients that come and go",
        "ops",
        (rate("drave_connections_accepted_total"), "came: {{instance}}"),
        (rate("drave_connections_closed_total", "instance, cause"), "went: {{instance}}, {{cause}}"),
    ),
    graph(
        "Errors that clients were told",
        "ops",
        (f"topk(10, {rate('drave_request_errors_total', 'api, error')}) or vector(0)", "{{api}} {{error}}"),
        description="While leaders and groups move, clients repeat by themselves.",
    ),
    graph(
        "Clients that wait because of a quota",
        "none",
        (rate("drave_throttle_seconds_total", "quota"), "{{quota}}"),
        description="How many wait at a time.",
    ),
    graph(
        "Size of produced batches",
        "bytes",
        (quantile(0.5, "drave_produce_batch_bytes"), "half within: {{instance}}"),
        (quantile(0.99, "drave_produce_batch_bytes"), "99 % within: {{instance}}"),
    ),
    graph(
        "Records of produced batches",
        "none",
        (quantile(0.5, "drave_produce_batch_records"), "half within: {{instance}}"),
        (quantile(0.99, "drave_produce_batch_records"), "99 % within: {{instance}}"),
    ),
    graph(
        "Idempotent producers",
        "ops",
        (rate("drave_produce_duplicates_total"), "sent again: {{instance}}"),
        (rate("drave_produce_out_of_order_total"), "out of order: {{instance}}"),
        (f"drave_producers{{{HERE}}}", "remembered: {{instance}}"),
    ),
    graph(
        "What clients say they are",
        "none",
        (f"sum by (client_name, client_version) (drave_client_connections{{{HERE}}})", "{{client_name}} {{client_version}}"),
    ),
    graph(
        "Connections that were closed at once",
        "ops",
        (rate("drave_connections_refused_total", "instance, cause"), "{{cause}}: {{instance}}"),
    ),
    graph("Consumer groups, by state", "none", (f"sum by (state) (drave_groups{{{HERE}}})", "{{state}}")),
    row("Replication"),
    graph(
        "Partitions led",
        "none",
        (f'drave_partitions{{role="leader",{HERE}}}', "{{instance}}"),
        (f"drave_partitions_away{{{HERE}}}", "not its own: {{instance}}"),
    ),
    graph("Replicas that are not in sync", "none", (f"drave_partitions_behind{{{HERE}}}", "{{instance}}")),
    graph("Replicas behind, in entries", "none", (f"sum by (peer) (drave_replica_lag_entries{{{HERE}}})", "broker {{peer}}")),
    graph(
        "Connections of brokers",
        "none",
        (f"min by (peer) (drave_peer_up{{{HERE}}})", "to broker {{peer}}"),
        description="0: somebody does not reach it.",
    ),
    graph("Sent to brokers", "Bps", (rate("drave_peer_sent_bytes_total", "peer"), "to broker {{peer}}")),
    graph("Received of brokers", "Bps", (rate("drave_peer_received_bytes_total", "peer"), "from broker {{peer}}")),
    graph(
        "Elections and lost leads",
        "none",
        (f"sum by (instance) (increase(drave_elections_total{{{HERE}}}{RATE}))", "stood for election: {{instance}}"),
        (f"sum by (instance) (increase(drave_leaderships_lost_total{{{HERE}}}{RATE}))", "lost a lead: {{instance}}"),
        (f"sum by (instance) (increase(drave_fast_failovers_total{{{HERE}}}{RATE}))", "at once, after a death: {{instance}}"),
    ),
    graph(
        "Cut from logs, and refused of peers",
        "none",
        (f"sum by (instance) (increase(drave_raft_truncations_total{{{HERE}}}{RATE}))", "cut: {{instance}}"),
        (f"sum by (instance) (increase(drave_raft_messages_dropped_total{{{HERE}}}{RATE}))", "made no sense: {{instance}}"),
    ),
    graph("Term of the metadata", "none", (f"drave_metadata_term{{{HERE}}}", "{{instance}}")),
    graph("Changes of metadata", "ops", (f"rate(drave_metadata_applied_index{{{HERE}}}{RATE})", "{{instance}}")),
    row("Disk"),
    graph(
        "99 % of synced writes within",
        "s",
        (quantile(0.99, "drave_journal_sync_seconds"), "{{instance}}"),
        description="One that is slower than the others is a slow disk.",
    ),
    graph("The write under way takes", "s", (f"drave_journal_sync_age_seconds{{{HERE}}}", "{{instance}}")),
    graph("Synced writes", "wps", (rate("drave_journal_rounds_total"), "{{instance}}")),
    graph("Journal: written", "Bps", (rate("drave_journal_written_bytes_total"), "{{instance}}")),
    graph(
        "Journal: what a start would read",
        "bytes",
        (f"drave_journal_live_bytes{{{HERE}}}", "{{instance}}"),
        (f"max(drave_journal_limit_bytes{{{HERE}}})", "limit"),
    ),
    graph(
        "Journal: files and tails",
        "none",
        (f"sum by (how) (increase(drave_journal_files_total{{{HERE}}}{RATE}))", "files {{how}}"),
        (f"sum(increase(drave_journal_copied_forward_total{{{HERE}}}{RATE}))", "entries copied forward"),
        (f"sum(drave_journal_torn_tails_total{{{HERE}}})", "torn tails cut"),
    ),
    graph(
        "Free on the disk",
        "bytes",
        (f"drave_disk_free_bytes{{{HERE}}}", "{{instance}}"),
        (f"max(drave_disk_min_free_bytes{{{HERE}}})", "must stay free"),
    ),
    graph("Used of the disk", "percentunit", (f"1 - drave_disk_free_bytes{{{HERE}}} / drave_disk_size_bytes{{{HERE}}}", "{{instance}}")),
    graph(
        "Read for consumers from",
        "Bps",
        (rate("drave_fetch_served_bytes_total", "from"), "{{from}}"),
        description="disk: of segments that were not in the page cache.",
    ),
    graph(
        "Into segments",
        "Bps",
        (rate("drave_segment_raw_bytes_total"), "as they came: {{instance}}"),
        (rate("drave_segment_written_bytes_total"), "stored: {{instance}}"),
    ),
    graph("Gone from the disk", "Bps", (rate("drave_deleted_bytes_total", "cause"), "{{cause}}")),
    graph("Committed, and in no segment yet", "bytes", (f"drave_write_behind_bytes{{{HERE}}}", "{{instance}}")),
    graph("Damaged files met", "none", (f"drave_damage_found_total{{{HERE}}}", "{{instance}} {{where}}")),
    graph("Produce refused: the disk is full", "none", (f"drave_disk_refusing{{{HERE}}}", "{{instance}}")),
    row("The process"),
    graph("Processor", "percentunit", (f"rate(process_cpu_seconds_total{{{HERE}}}{RATE})", "{{instance}}"), description="1 is one core."),
    graph("Memory", "bytes", (f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}")),
    graph(
        "Memory of the budgets",
        "percentunit",
        (f"max by (budget) (drave_memory_bytes{{{HERE}}} / drave_memory_limit_bytes{{{HERE}}})", "{{budget}}"),
    ),
    graph("Open files", "percentunit", (f"process_open_fds{{{HERE}}} / process_max_fds{{{HERE}}}", "{{instance}}")),
    graph(
        "The event loop",
        "s",
        (quantile(0.99, "drave_loop_turn_seconds"), "99 % of turns: {{instance}}"),
        (f"drave_loop_stall_seconds{{{HERE}}}", "stands still for: {{instance}}"),
    ),
    graph(
        "The numbers themselves",
        "s",
        (f"drave_snapshot_age_seconds{{{HERE}}}", "age: {{instance}}"),
        (f"drave_metrics_build_seconds{{{HERE}}}", "cost: {{instance}}"),
    ),
    graph("Runs since", "dateTimeFromNow", (f"process_start_time_seconds{{{HERE}}} * 1000", "{{instance}}")),
    graph(
        "Lines of the log",
        "ops",
        (rate("drave_log_lines_total", "level"), "{{level}}"),
        (f"sum(rate(drave_log_lines_left_out_total{{{HERE}}}{RATE}))", "left out"),
    ),
    graph("Requests for metrics and health", "reqps", (rate("drave_http_requests_total", "path, code"), "{{path}} {{code}}")),
]

TOPICS = [
    number("Topics", "max(drave_topics)"),
    number("Partitions", 'sum(drave_partitions{role="leader"})'),
    number("Records", "sum(drave_topic_records)", "short"),
    number("Stored, all copies", "sum(drave_topic_stored_bytes)", "bytes"),
    number("Topics without a name here", "max(drave_metrics_folded)", description="They are summed as (other): metrics.topics.max."),
    table(
        "Topics",
        "topic",
        ("Partitions", "sum by (topic) (drave_topic_partitions)", "none"),
        ("Records", "sum by (topic) (drave_topic_records)", "short"),
        ("Stored, all copies", "sum by (topic) (drave_topic_stored_bytes)", "bytes"),
        ("Bytes in", "sum by (topic) (rate(drave_topic_produced_bytes_total[5m]))", "Bps"),
        ("Bytes out", "sum by (topic) (rate(drave_topic_fetched_bytes_total[5m]))", "Bps"),
        ("Growth", "sum by (topic) (deriv(drave_topic_stored_bytes[10m]))", "Bps"),
    ),
    graph("Largest topics", "bytes", ("topk(10, sum by (topic) (drave_topic_stored_bytes))", "{{topic}}"), width=12),
    graph(
        "Topics that grow most, in records", "none", ("topk(10, sum by (topic) (deriv(drave_topic_records[5m])))", "{{topic}}"), width=12
    ),
    graph(
        "Records in",
        "none",
        (f"topk(10, sum by (topic) (rate(drave_topic_produced_records_total{RATE})))", "{{topic}}"),
        width=12,
    ),
    graph(
        "Records out",
        "none",
        (f"topk(10, sum by (topic) (rate(drave_topic_fetched_records_total{RATE})))", "{{topic}}"),
        width=12,
    ),
    row("Groups"),
    graph("Groups that are behind, in time", "s", ("topk(10, max by (group, topic) (drave_group_lag_seconds))", "{{group}} {{topic}}")),
    graph(
        "Groups that are behind, in records", "none", ("topk(10, sum by (group, topic) (drave_group_lag_records))", "{{group}} {{topic}}")
    ),
    graph(
        "Until retention takes what a group has not read",
        "s",
        ("bottomk(10, min by (group, topic) (drave_group_retention_left_seconds))", "{{group}} {{topic}}"),
    ),
    graph("Members", "none", ("topk(10, sum by (group) (drave_group_members))", "{{group}}")),
    graph("Commits", "ops", (f"topk(10, sum by (group) (rate(drave_group_commits_total{RATE})))", "{{group}}")),
    graph(
        "Cause of the lag",
        "none",
        ("max by (group, cause) (drave_group_cause) or vector(0)", "{{group}}: {{cause}}"),
        description="As drave group why names it; of groups that are 15 s behind, share groups too.",
    ),
    graph("Rebalances", "none", ("topk(10, sum by (group) (increase(drave_group_rebalances_total[5m])))", "{{group}}")),
    graph("Rebalances, how long 99 % take", "s", (quantile(0.99, "drave_group_rebalance_seconds", labels=""), "{{instance}}")),
    graph(
        "Since the last commit",
        "s",
        ("topk(10, time() - max by (group) (drave_group_last_commit_timestamp_seconds))", "{{group}}"),
    ),
    graph(
        "Records that were deleted unread",
        "none",
        ("topk(10, max by (group, topic) (drave_group_records_missed))", "{{group}} {{topic}}"),
    ),
    row("Transactions"),
    graph("Ended", "ops", (f"sum by (how) (rate(drave_transactions_ended_total{RATE}))", "{{how}}")),
    graph("Open", "none", ("sum by (state) (drave_transactions_open)", "{{state}}"), ("sum(drave_transactional_ids)", "ids")),
    graph("The oldest that is open", "s", ("max by (instance) (drave_transactions_oldest_seconds)", "{{instance}}")),
    graph(
        "Records that committed readers wait for",
        "none",
        ("sum by (instance) (drave_unstable_records)", "{{instance}}"),
        ("sum by (instance) (drave_transaction_markers)", "markers under way: {{instance}}"),
    ),
]

ELECTIONS = {
    "name": "Elections",
    "datasource": SOURCE,
    "enable": True,
    "expr": "sum by (instance) (changes(drave_elections_total[1m])) > 0",
    "titleFormat": "a replica stood for election",
    "textFormat": "{{instance}}",
    "iconColor": "orange",
}


def placed(panels):
    x = y = tallest = 0
    for i, one in enumerate(panels):
        place = one["gridPos"]
        if x + place["w"] > GRID or one["type"] == "row":
            x, y, tallest = 0, y + tallest, 0
        place |= {"x": x, "y": y}
        one["id"] = i + 1
        x, tallest = x + place["w"], max(tallest, place["h"])
    return panels


def dashboard(uid, title, panels):
    variables = [
        {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
        {
            "name": "instance",
            "type": "query",
            "label": "Broker",
            "datasource": SOURCE,
            "query": "label_values(drave_build_info, instance)",
            "definition": "label_values(drave_build_info, instance)",
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
            "refresh": 2,
        },
    ]
    return {
        "uid": uid,
        "title": title,
        "tags": ["drave"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables},
        "annotations": {"list": [ELECTIONS]},
        "links": [{"type": "dashboards", "title": "drave", "tags": ["drave"], "asDropdown": False}],
        "panels": placed(panels),
    }


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards"
    for name, title, panels in (("cluster", "drave: cluster", CLUSTER), ("topics", "drave: topics", TOPICS)):
        text = json.dumps(dashboard(f"drave-{name}", title, panels), indent=1)
        (folder / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
