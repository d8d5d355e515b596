# A machine with a real systemd, for tests: the files of $box_root, this one's own, below a layer that is thrown away, booted
# by systemd-nspawn with a network of its own. To be sourced; needs root, and: apt-get install systemd systemd-container dbus util-linux
#
#   box_up       boots it, or says why that cannot be done here and returns 1
#   box CMD…     runs a command in it, as root
#   box_put FILE PATH
#   box_down     ends it, and leaves nothing behind
# shellcheck shell=bash

box_root=/
box_folder=''
box_leader=''
box_nspawn=''

box_up() {
    [ "$(id -u)" = 0 ] || { echo "only root can boot it"; return 1; }
    local tool
    for tool in systemd-nspawn nsenter; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install systemd-container util-linux"; return 1; }
    done
    [ -x "${box_root%/}/lib/systemd/systemd" ] || { echo "systemd is missing: apt-get install systemd dbus"; return 1; }

    # The layer lies in memory, since an overlay takes no other overlay (a container's root is one) as its upper folder.
    box_folder=$(mktemp -d /run/market-chatd-box.XXXXXX)
    mount -t tmpfs -o size=4g box "$box_folder" 2>/dev/null || { echo "mounting is not allowed here"; box_down; return 1; }
    mkdir "$box_folder/root" "$box_folder/upper" "$box_folder/work"
    mount -t overlay -o "lowerdir=$box_root,upperdir=$box_folder/upper,workdir=$box_folder/work" box "$box_folder/root" 2>/dev/null \
        || { echo "an overlay of $box_root cannot be mounted here"; box_down; return 1; }
    # What a container image has so that packages start nothing; and its own idea of who it is.
    rm -f "$box_folder/root/usr/sbin/policy-rc.d" "$box_folder/root/etc/machine-id"
    : >"$box_folder/root/etc/machine-id"

    # Without registration, since there may be no systemd outside.
    setsid systemd-nspawn --quiet --boot --directory="$box_folder/root" --machine=market-chatd-box --register=no \
        --keep-unit --private-network --link-journal=no --console=pipe --timezone=off --resolv-conf=off \
        </dev/null >"$box_folder/console" 2>&1 &
    box_nspawn=$!
    local deadline=$((SECONDS + 60)) child state
    while [ "$SECONDS" -lt "$deadline" ]; do
        kill -0 "$box_nspawn" 2>/dev/null || break
        # The first process inside is a child of nspawn's, and becomes systemd.
        # shellcheck disable=SC2013
        for child in $(cat "/proc/$box_nspawn"/task/*/children 2>/dev/null); do
            [ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ] && box_leader=$child
        done
        if [ -n "$box_leader" ]; then
            state=$(box systemctl is-system-running 2>/dev/null) || true
            case "$state" in running | degraded) return 0 ;; esac
        fi
        sleep 0.2
    done
    echo "it does not boot: $(tail -n 3 "$box_folder/console" | tr '\n' ' ')"
    box_down
    return 1
}

box() {
    nsenter --target "$box_leader" --mount --uts --ipc --net --pid --cgroup -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

box_put() {
    box tee "$2" <"$1" >/dev/null
}

box_down() {
    if [ -n "$box_nspawn" ]; then
        # As a power button would.
        [ -z "$box_leader" ] || kill -s RTMIN+4 "$box_leader" 2>/dev/null || true
        local deadline=$((SECONDS + 20))
        while kill -0 "$box_nspawn" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.2; done
        kill -KILL "$box_nspawn" 2>/dev/null || true
        wait "$box_nspawn" 2>/dev/null || true
        box_nspawn='' box_leader=''
    fi
    if [ -n "$box_folder" ]; then
        umount "$box_folder/root" 2>/dev/null || true
        umount "$box_folder" 2>/dev/null || true
        rm -rf "$box_folder"
        box_folder=''
    fi
}
