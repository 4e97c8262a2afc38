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

# engine_enter ROOT COMMAND...: in a bare system, with its own process space.
engine_enter() { engine_within 'exec chroot .' "$@"; }

# engine_boot ROOT COMMAND...: the same, with a root that is one: in a chroot nobody may make name spaces of users, as systemd does. The command
# begins with umount -l /mnt, where this machine's own root is until then.
engine_boot() { engine_within 'pivot_root . mnt; exec' "$@"; }

engine_within() {
    local how=$1
    shift
    unshare --mount --pid --fork --kill-child bash -c '
        how=$0 root=$1; shift
        mount --bind "$root" "$root"; cd "$root"
        mount --bind /dev dev; mount -t devpts devpts dev/pts 2>/dev/null; mount -t tmpfs tmpfs dev/shm 2>/dev/null
        mount -t proc proc proc; mount -t sysfs sysfs sys
        eval "$how" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 CI="$CI" \
            PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \"\$@\"' "$how" "$@"
}

# engine_root BASE ROOT: a copy of a minimal Debian that stands behind the same wall as this machine: names, and certificates beyond Debian's.
engine_root() {
    rm -rf "$2"
    cp -a "$1" "$2"
    cp /etc/resolv.conf "$2/etc/resolv.conf"
    mkdir -p "$2/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$2/usr/local/share/ca-certificates/" 2>/dev/null || true
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
