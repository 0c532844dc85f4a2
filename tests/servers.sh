# What tests/run and tests/bench/run share: the programs that are needed, and servers that are thrown away at the end.
# shellcheck shell=bash

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/herald/target}"

# What the developer has set for a server of his own must not reach what is run here.
while read -r name; do unset "$name"; done < <(compgen -e | grep -E '^(HERALD_.*|DATABASE_URL|REDIS_URL)$' || true)

work='' redis_pid=''

heading() { printf '\n== %s\n' "$*"; }

die() {
    printf '%s: %s\n' "$0" "$*"
    exit 1
}

# --- What is needed -------------------------------------------------------------------------------------------------

# The folder with the server's programs; Debian keeps them off the PATH, one folder a version.
find_postgres_bin() {
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(pg_config --bindir 2>/dev/null || true)"; do
        [[ -x $dir/postgres && -x $dir/initdb && -x $dir/pg_ctl ]] && echo "$dir" && return
    done
    return 0
}

find_redis_server() { command -v redis-server || true; }

has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

# Debian keeps it off the PATH of those who are not root.
find_dovecot() {
    PATH=$PATH:/usr/sbin command -v dovecot || true
}

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

missing_packages() {
    [[ $(find_postgres_bin) ]] || echo postgresql
    [[ $(find_redis_server) ]] || echo redis-server
    [[ -x /usr/sbin/pgbouncer ]] || echo pgbouncer
    [[ $(find_dovecot) && -x /usr/lib/dovecot/imap ]] || echo dovecot-imapd
    [[ $(find_chromium) ]] || echo chromium
    command -v npm >/dev/null || echo npm # and with it nodejs
    has_venv || echo python3-venv
    command -v curl >/dev/null || echo curl
    command -v jq >/dev/null || echo jq
}

install_packages() {
    local packages=("$@")
    local advice="install it by hand: ${packages[*]} (Debian's names)"
    command -v apt-get >/dev/null || die "there is no apt-get here; $advice"
    [[ $EUID -eq 0 ]] || die "only root can install packages; $advice"

    # The package would make and start a cluster that nobody needs.
    if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || die "apt-get update failed; $advice"
    apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}" >/dev/null ||
        die "apt-get install failed; $advice"
}

provide() {
    local packages
    mapfile -t packages < <(missing_packages)
    if [[ ${#packages[@]} -gt 0 ]]; then
        heading "Installing ${packages[*]}"
        install_packages "${packages[@]}"
        [[ -z $(missing_packages) ]] || die "still missing after the installation: $(missing_packages | xargs)"
    fi
    HERALD_TEST_POSTGRES_BIN=$(find_postgres_bin)
    HERALD_TEST_REDIS_SERVER=$(find_redis_server)
    HERALD_TEST_CHROMIUM=$(find_chromium)
    HERALD_TEST_DOVECOT=$(find_dovecot)
    # All is there now, so a test that finds something missing fails instead of being skipped.
    HERALD_TEST_COMPLETE=1
    export HERALD_TEST_POSTGRES_BIN HERALD_TEST_REDIS_SERVER HERALD_TEST_CHROMIUM HERALD_TEST_DOVECOT HERALD_TEST_COMPLETE
}

# --- The servers ----------------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root. The folder is changed because the user may not be let into this one.
# Takes the shell's place: to be called in parentheses or in the background.
unprivileged() {
    cd "$work"
    [[ $EUID -eq 0 ]] || exec "$@"
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
}

# Below the range that the kernel gives to outgoing connections, so that it stays free until the server takes it.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); do
        (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

start_servers() {
    # In /tmp whatever TMPDIR says: a socket's path is short, and an unprivileged user must be able to enter.
    work=$(mktemp -d /tmp/herald-tests.XXXXXX)
    mkdir "$work/templates"
    export HERALD_TEST_TEMPLATES=$work/templates
    [[ $EUID -ne 0 ]] || chown postgres: "$work"
    start_postgres
    start_redis
}

start_postgres() {
    local bin=$HERALD_TEST_POSTGRES_BIN data=$work/postgres log=$work/postgres.log settings port
    (unprivileged "$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --no-sync) >"$work/initdb.log" 2>&1 || die "initdb failed:"$'\n'"$(cat "$work/initdb.log")"
    settings="-c listen_addresses=127.0.0.1 -c unix_socket_directories=$work -c max_connections=300"
    # Durable as in production: the tests kill it in the middle and count what is left.
    settings+=" -c shared_buffers=256MB -c fsync=on -c synchronous_commit=on"
    settings+=" ${more_settings:-}"
    for _ in {1..5}; do # another process may have taken the port
        port=$(free_port)
        if (unprivileged "$bin/pg_ctl" start --silent --wait --pgdata="$data" --log="$log" \
            --options="$settings -p $port"); then
            postgres_url=postgres://postgres@127.0.0.1:$port/postgres
            return
        fi
    done
    die "PostgreSQL does not start:"$'\n'"$(tail -n 20 "$log")"
}

start_redis() {
    local log=$work/redis.log port
    for _ in {1..5}; do
        port=$(free_port)
        in_group unprivileged "$HERALD_TEST_REDIS_SERVER" --bind 127.0.0.1 --port "$port" --save '' --appendonly no \
            --dir "$work" --logfile "$log"
        redis_pid=$!
        for _ in {1..100}; do
            kill -0 "$redis_pid" 2>/dev/null || break
            if grep -qs 'Ready to accept connections' "$log"; then
                redis_url=redis://127.0.0.1:$port
                return
            fi
            sleep 0.1
        done
        end_group "$redis_pid"
        redis_pid=''
    done
    die "Redis does not start:"$'\n'"$(tail -n 20 "$log")"
}

# Starts a command in the background, in a process group of its own: it can then be ended with all its children, and
# Ctrl-C reaches this script alone, which ends everything in order.
in_group() {
    set -m
    "$@" &
    set +m
}

end_group() {
    kill -- "-$1" 2>/dev/null || return 0
    for _ in {1..150}; do # the test runner gives its tests ten seconds
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$1" 2>/dev/null || true # who is left
}

stop_servers() {
    [[ -z $redis_pid ]] || end_group "$redis_pid"
    if [[ $work && -e $work/postgres/postmaster.pid ]]; then
        (unprivileged "$HERALD_TEST_POSTGRES_BIN/pg_ctl" stop --silent --mode=immediate --pgdata=postgres) || true
    fi
    [[ -z $work ]] || rm -rf "$work"
}
