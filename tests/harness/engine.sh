# An engine of the tests' own: source it. engine_up DIR starts dockerd with its own data, sockets and base image; engine_down ends it.
# A user's engine is never touched; the image that debootstrap makes goes only into this one. Sets DOCKER_HOST, DOCKER, COMPOSE.

# The Debian mirror that this machine uses.
engine_mirror() {
    { awk '/^URIs:/ { print $2 }' /etc/apt/sources.list.d/*.sources 2>/dev/null
      awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; break } }' /etc/apt/sources.list 2>/dev/null; } | grep -v security | head -n 1
}

# engine_base SUITE DIR: a minimal Debian of that suite in DIR, made once.
engine_base() {
    [ -e "$2/etc/debian_version" ] && return
    rm -rf "$2" "$2.part"
    debootstrap --variant=minbase "$1" "$2.part" "$(engine_mirror)" >"$2.log" 2>&1 || { tail -n 5 "$2.log" >&2; return 1; }
    mv "$2.part" "$2"
}

engine_up() {
    local dir=$1 socket=$1/docker.sock
    command -v debootstrap >/dev/null && [ -x /usr/bin/docker ] && [ -x /usr/sbin/dockerd ] && [ -x /usr/bin/docker-compose ] ||
        apt-get install -y -q --no-install-recommends docker.io docker-compose debootstrap iptables ca-certificates >"$dir.install.log" 2>&1 || { tail -n 5 "$dir.install.log" >&2; return 1; }
    mkdir -p "$dir/data" "$dir/exec"
    /usr/sbin/dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "unix://$socket" >"$dir/log" 2>&1 &
    engine_pid=$!
    export DOCKER_HOST=unix://$socket DOCKER=/usr/bin/docker COMPOSE=/usr/bin/docker-compose
    local tries=0
    until $DOCKER version >/dev/null 2>&1; do
        kill -0 $engine_pid 2>/dev/null && [ $((tries += 1)) -lt 300 ] || { tail -n 5 "$dir/log" >&2; return 1; }
        sleep 0.1
    done
    engine_base trixie "$dir/trixie" || return 1
    $DOCKER image inspect debian:trixie-slim >/dev/null 2>&1 || tar -C "$dir/trixie" -c . | $DOCKER import - debian:trixie-slim >/dev/null
}

engine_down() {
    [ -z "${engine_pid-}" ] || { kill "$engine_pid" 2>/dev/null; wait "$engine_pid" 2>/dev/null; }
}
