# shellcheck shell=bash
# What the scripts of this folder share. Sourced, not run.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Everything that the scripts write lies in this folder; git ignores it, `make clean` removes it.
state="$root/.onsale"
run="$state/run" # what runs now: process ids and addresses
log="$state/log" # the log of each service, and that of its run before

# A terminal that was closed must not keep a script from tidying up.
note() { printf '%s\n' "$*" >&2 || true; }

die() {
    note "$*"
    exit 1
}

# The text between the first line and the first blank line of a script is its help.
help_of() { sed -n '2,/^$/ s/^# \{0,1\}//p' "$1"; }

make_state_folders() {
    # 711: as root, the database server runs as another user, who has to pass through to its data.
    mkdir -p "$state" 2>/dev/null && [[ -w $state ]] ||
        die "$state cannot be written: run as its owner, $(owner_of "$state" || echo "who may write to $root")."
    [[ -O $state ]] && chmod 711 "$state"
    mkdir -p "$run" "$log"
    # They name the database's password and customers' references.
    chmod 700 "$run" "$log"
}

# ls, since stat has other options on every system.
# shellcheck disable=SC2012
owner_of() { [[ -e $1 ]] && ls -ld "$1" | awk '{ print $3 }'; }

# --- processes ---------------------------------------------------------------------------------

# Prints what tells a process from a later one that was given the same id; fails if it is gone.
start_of() {
    local stat fields
    if [[ -d /proc/self ]]; then
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # The name, in parentheses, may hold spaces; the state is the first field after it.
        read -ra fields <<<"${stat##*) }"
        [[ ${fields[0]} != [ZX] ]] && echo "${fields[19]}"
    else
        ps -p "$1" -o lstart= | tr -s ' ' '-' | grep .
    fi
}

# write_pid FILE PID
write_pid() { echo "$2 $(start_of "$2" || echo gone)" >"$1"; }

# Prints the id in a file of write_pid if that very process still runs.
pid_in() {
    local pid start
    [[ -f $1 ]] && read -r pid start <"$1" && [[ $(start_of "$pid") == "$start" ]] && echo "$pid"
}

is_running() { start_of "$1" >/dev/null; }

# wait_gone SECONDS PID...: waits until none of them runs.
wait_gone() {
    local tries=$(($1 * 10)) pid
    shift
    for pid; do
        while is_running "$pid"; do
            ((tries-- > 0)) || return 1
            sleep 0.1
        done
    done
}

# stop_pids SECONDS PID...: asks them to end, together, and after that many seconds no longer asks.
stop_pids() {
    local seconds=$1 pid
    shift
    (($# > 0)) || return 0
    kill -TERM "$@" 2>/dev/null || true
    wait_gone "$seconds" "$@" && return 0
    for pid; do
        is_running "$pid" || continue
        note "Not stopped after $seconds s, killed: process $pid"
        kill -KILL "$pid" 2>/dev/null || true
    done
    wait_gone 5 "$@" || true
}

# Runs a command that may take long, in a process group of its own, so that a signal to this script
# is acted on at once (a shell waits for a command in the foreground) and reaches all that the
# command has started.
group=
run_long() {
    local status=0
    set -m
    "$@" </dev/null &
    group=$!
    set +m
    wait "$group" || status=$?
    group=
    return "$status"
}

# For the EXIT trap of a script that uses run_long.
stop_group() {
    [[ -n $group ]] || return 0
    kill -TERM -- "-$group" 2>/dev/null || true
    wait_gone 12 "$group" || true
    # What outlived it, or has ignored the signal.
    kill -KILL -- "-$group" 2>/dev/null || true
    group=
}

# --- addresses ---------------------------------------------------------------------------------

# shellcheck disable=SC2034
command_listen=${ONSALE_COMMAND_LISTEN:-127.0.0.1:50051}
# shellcheck disable=SC2034
query_listen=${ONSALE_QUERY_LISTEN:-127.0.0.1:50052}

port_of() { echo "${1##*:}"; }

# The host under which this machine reaches what listens there.
host_of() {
    case ${1%:*} in
    0.0.0.0) echo 127.0.0.1 ;;
    '[::]') echo '[::1]' ;;
    *) echo "${1%:*}" ;;
    esac
}

reachable() { echo "$(host_of "$1"):$(port_of "$1")"; }

# Does somebody listen there?
in_use() {
    local host
    host=$(host_of "$1")
    host=${host#[}
    (: <>"/dev/tcp/${host%]}/$(port_of "$1")") 2>/dev/null
}

# --- cargo -------------------------------------------------------------------------------------

need_cargo() {
    # A shell that was open when rustup ran does not have it in its PATH yet.
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin"
    command -v cargo >/dev/null ||
        die "cargo is missing: install Rust with rustup, as https://www.rust-lang.org/tools/install says."
    command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null ||
        die "A C compiler is missing, which Rust links with: on Debian and Ubuntu, apt-get install build-essential."
}

# Where cargo puts what it builds; the user may have moved it.
target_folder() {
    local folder
    folder=$(cd "$root" && cargo metadata --format-version 1 --no-deps --locked 2>/dev/null |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p') || true
    echo "${folder:-$root/target}"
}

# How much memory the machine has; 4 GB where that is not told.
machine_megabytes() {
    local kilobytes
    kilobytes=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo 2>/dev/null) || true
    echo $((${kilobytes:-4194304} / 1024))
}

# build_release BINARY...
# By --bin and never by --package: which packages are chosen decides the features of what they
# share, and another choice would build half of it again.
build_release() {
    local bins=() name
    for name; do bins+=(--bin "$name"); done
    (cd "$root" && exec cargo build --release --locked "${bins[@]}")
}

# --- test databases ----------------------------------------------------------------------------

# A run of the tests writes down the folder of its database, so that a later one, or `make clean`,
# can remove what one that was killed has left.
tests="$state/tests"

remember_test() {
    mkdir -p "$tests"
    echo "$1" >"$tests/$$.folder"
    write_pid "$tests/$$.pid" $$
}

forget_test() { rm -f "$tests/$$.folder" "$tests/$$.pid"; }

# With every database in it: tests that kill a server have one of their own.
remove_test_folder() {
    local database
    for database in "$1"/postgres "$1"/*/postgres; do
        if [[ -d $database ]]; then "$root/scripts/postgres" remove "$database"; fi
    done
    rm -rf "$1"
}

remove_dead_tests() {
    local entry folder
    for entry in "$tests"/*.folder; do
        [[ -f $entry ]] || continue
        if pid_in "${entry%.folder}.pid" >/dev/null; then continue; fi
        folder=$(<"$entry")
        remove_test_folder "$folder"
        rm -f "$entry" "${entry%.folder}.pid"
    done
}
