#!/usr/bin/env bash
# The .deb on a bare Debian 12 and 13: built, judged by lintian, installed, run as its unit says and by systemd, upgraded, purged; unit, manifests, sizes.
# RELEASES="bookworm trixie" chooses. What takes seconds (tests/integration/packages.py) is also a part of the suite integration.
[ "$(id -u)" = 0 ] || { echo "# a bare Debian needs root (chroot)"; exit 77; }
. "$DRAVE_ROOT/tests/harness/engine.sh"
command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap >/dev/null 2>&1
status=0
work=$DRAVE_BUILD/packages
mkdir -p "$work" "$DRAVE_BUILD/fresh"

"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/packages.py" || status=1

# Kubernetes' own schemas, which this package of PyPI brings along.
kubernetes=$work/kubernetes
[ -x "$kubernetes/bin/kubernetes-validate" ] || { python3 -m venv "$kubernetes" && "$kubernetes/bin/pip" install -q kubernetes-validate==1.37.0; } >"$work/kubernetes.log" 2>&1
for version in 1.28 1.33 1.37; do
    if said=$("$kubernetes/bin/kubernetes-validate" --strict -k "$version" "$DRAVE_ROOT"/deploy/kubernetes/{services,statefulset,disruption,network}.yaml 2>&1); then
        echo "ok manifests for Kubernetes $version"
    else
        echo "not ok manifests for Kubernetes $version: $(head -n 3 <<<"$said" | tr '\n' ' ')"
        status=1
    fi
done

# part NAME ROOT SCRIPT [HOW]: runs a script of tests/packages in there; its lines count, everything is in build/packages/NAME.log.
part() {
    local name=$1 root=$2 script=$3 how=${4-engine_enter}
    cp "$DRAVE_ROOT/tests/packages/$script" "$root/root/$script"
    local code=0
    "$how" "$root" /bin/bash -e "/root/$script" >"$work/$name.log" 2>&1 || code=$?
    [ ! -f "$root/root/said" ] || cat "$root/root/said" >>"$work/$name.log" # the judge's, under systemd
    if [ "$code" != 0 ]; then
        echo "not ok $name: $(tail -n 1 "$work/$name.log") (build/packages/$name.log)"
        status=1
        return 1
    fi
    sed -n "s/^ok /ok $name /p" "$work/$name.log"
}

for release in ${RELEASES:-bookworm trixie}; do
    base=$DRAVE_BUILD/fresh/$release.base builder=$work/$release.build
    engine_base "$release" "$base" || { echo "not ok $release: debootstrap failed"; status=1; continue; }
    [ -d "$builder" ] || engine_root "$base" "$builder"
    mkdir -p "$builder/root/drave"
    find "$builder/root/drave" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    git -C "$DRAVE_ROOT" archive HEAD | tar -C "$builder/root/drave" -x
    part "$release-build" "$builder" build || continue
    rm -rf "$work/$release.debs"
    cp -r "$builder/root/debs" "$work/$release.debs"
    for way in by_hand systemd; do
        bare=$work/$release.$way
        engine_root "$base" "$bare"
        cp "$work/$release.debs"/*.deb "$bare/root/"
        [ "$release" != bookworm ] || echo "deb $(engine_mirror) bookworm-backports main" >"$bare/etc/apt/sources.list.d/backports.list"
        engine_enter "$bare" apt-get update -q >"$work/$release-$way.log" 2>&1
    done
    part "$release-by_hand" "$work/$release.by_hand" by_hand
    bare=$work/$release.systemd
    engine_enter "$bare" apt-get install -y -q --no-install-recommends systemd systemd-sysv >>"$work/$release-systemd.log" 2>&1
    part "$release-systemd" "$bare" systemd engine_boot
    rm -rf "$work/$release.by_hand" "$bare"
done
exit $status
