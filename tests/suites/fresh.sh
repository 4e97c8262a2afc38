#!/usr/bin/env bash
# Both README commands on a bare Debian 12 and a bare Debian 13 (debootstrap minbase): the quick start twice in a row, then tests/run once.
# FRESH="bookworm trixie" chooses; QUICKSTART_LIMIT is the first quick start's limit in seconds.
[ "$(id -u)" = 0 ] || { echo "# a bare Debian needs root (chroot)"; exit 77; }
. "$DRAVE_ROOT/tests/harness/engine.sh"
command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap >/dev/null 2>&1
status=0
work=$DRAVE_ROOT/build/fresh
mkdir -p "$work"

step() { # step NAME LIMIT ROOT COMMAND...
    local name=$1 limit=$2 begin=$SECONDS; shift 2
    if engine_enter "$@" >"$work/$name.log" 2>&1 && [ $((SECONDS - begin)) -le "$limit" ]; then
        echo "ok $name - $((SECONDS - begin)) s: $(grep -v '^ *$' "$work/$name.log" | grep -E 'lost|passed' | tail -n 1)"
    else
        echo "not ok $name: after $((SECONDS - begin)) s: $(tail -n 1 "$work/$name.log") (build/fresh/$name.log)"
        status=1
    fi
}

for suite in ${FRESH:-bookworm trixie}; do
    base=$work/$suite
    engine_base "$suite" "$base.base" || { echo "not ok $suite: debootstrap failed"; status=1; continue; }
    engine_root "$base.base" "$base"
    git -C "$DRAVE_ROOT" archive --prefix=root/drave/ HEAD | tar -C "$base" -x
    step "$suite-quickstart" "${QUICKSTART_LIMIT:-600}" "$base" /root/drave/deploy/quickstart
    step "$suite-quickstart-again" 600 "$base" /root/drave/deploy/quickstart
    step "$suite-tests" 3000 "$base" /root/drave/tests/run
done
exit $status
