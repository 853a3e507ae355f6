# The demo's last part: the same binary in a real container. Read by docker/demo.sh with `.`.
# shellcheck shell=sh disable=SC2034,SC2154 # names shared with demo.sh, both ways
#
# No image is pulled: the base is this machine's own Python, packed with the libraries that it
# loads. The container shares the host's network, so that an engine without a bridge will do. It
# uses demo.sh's names: work, here, root, liteinit, python, record, port_file, log, and its verbs.

image='' container='' engine=''

# ask_docker ARG…: the engine, with a limit to its silence.
ask_docker() { timeout 60 docker "$@" </dev/null; }

# engine_answers: one that is there already, or one of the demo's own where that is wished for.
engine_answers() {
    if [ "${LITEINIT_DEMO_DOCKER:-}" = 0 ]; then
        tell "Skipped: LITEINIT_DEMO_DOCKER=0."
        return 1
    fi
    if command -v docker >/dev/null 2>&1 && timeout 10 docker info >/dev/null 2>&1; then
        return 0
    fi
    if [ "${LITEINIT_DEMO_DOCKER:-}" != 1 ]; then
        tell "Skipped: no Docker engine answers here (LITEINIT_DEMO_DOCKER=1 starts one)."
        return 1
    fi
    sh "$here/setup.sh" docker
    mkdir "$work/engine"
    export DOCKER_HOST="unix://$work/engine/socket"
    dockerd --host "$DOCKER_HOST" --data-root "$work/engine/data" \
        --exec-root "$work/engine/exec" --pidfile "$work/engine/pid" \
        --iptables=false --ip6tables=false --bridge=none >"$work/engine/log" 2>&1 </dev/null &
    engine=$!
    log=$work/engine/log
    until_true 20 engine_is_up || fail "dockerd does not answer"
    tell "A Docker engine of the demo's own was started."
}
engine_is_up() { timeout 5 docker info >/dev/null 2>&1 || ! [ -d "/proc/$engine" ]; }

# make_base NAME: an image with Python, its library, and whatever they and liteinit link to.
make_base() {
    "$python" -S -c 'import os, sys, sysconfig
print(os.path.realpath(sys.executable)); print(sysconfig.get_path("stdlib"))' >"$work/python"
    { read -r program && read -r library; } <"$work/python"
    {
        echo "${program#/}"
        echo "${library#/}"
        ldd "$program" "$liteinit" "$library"/lib-dynload/*.so 2>/dev/null |
            sed -n 's,^.*[[:space:]]/\([^ ]*\) (0x.*$,\1,p' | sort -u
    } >"$work/base.list"
    tar -C / -c --dereference --exclude='*/dist-packages/*' --exclude='*/__pycache__/*' \
        --exclude='*/test/*' --exclude='*.a' -T "$work/base.list" >"$work/base.tar"
    mkdir -p "$work/base/usr/bin"
    [ "${program#/usr/bin/}" = python3 ] || ln -s "$program" "$work/base/usr/bin/python3"
    tar -C "$work/base" -rf "$work/base.tar" usr
    ask_docker import "$work/base.tar" "$1" >/dev/null || fail "docker import"
    rm "$work/base.tar"
}

container_listens() {
    [ -s "$port_file" ] || [ "$(ask_docker inspect -f '{{.State.Running}}' "$container")" != true ]
}

# in_container: one life, from an empty volume to docker stop while requests come in.
in_container() {
    image=liteinit-demo-$$
    make_base "$image:base"
    mkdir -p "$work/context/build" "$work/context/compose" "$work/volume"
    cp "$liteinit" "$work/context/build/liteinit"
    cp "$root/compose/app.py" "$work/context/compose/"
    cp -R "$root/migrations" "$work/context/"
    log=$work/image.log
    ask_docker build -q -f "$here/Dockerfile" --build-arg BASE="$image:base" -t "$image:app" \
        "$work/context" >"$log" 2>&1 || fail "docker build"

    record=$work/container.jsonl
    port_file=$work/volume/port
    : >"$record"
    container=$(ask_docker run -d --network host -v "$work/volume:/data" -e HOST=127.0.0.1 \
        -e PORT=0 -e PORT_FILE=/data/port -e LITEINIT_DB=/data/app.db \
        -e LITEINIT_LOG_FORMAT=json "$image:app" 2>"$log") || fail "docker run"
    log=$work/container.log
    until_true 20 container_listens || fail "the app in the container did not listen within 20 s"
    ask_docker logs "$container" >"$work/container.out" 2>"$log" || :
    [ -s "$port_file" ] || fail "the container ended before the app listened"
    url=http://127.0.0.1:$(cat "$port_file")
    first=$(ask_docker inspect -f '{{.State.Pid}}' "$container")
    command_line=$(tr '\0' ' ' <"/proc/$first/cmdline")
    case $command_line in
    *"liteinit -- python3 "*) tell "The container's PID 1 is: $command_line" ;;
    *) fail "the container's PID 1 is not liteinit, but: $command_line" ;;
    esac

    rush container 200
    begun=$(date +%s%N)
    ask_docker stop "$container" >/dev/null || fail "docker stop"
    took=$((($(date +%s%N) - begun) / 1000000))
    rush_is_over
    ask_docker logs "$container" >"$work/container.out" 2>"$log" || fail "docker logs"
    status=$(ask_docker inspect -f '{{.State.ExitCode}}' "$container")
    [ "$status" = 0 ] || fail "the container ended with $status, not 0"
    tell "docker stop took $took ms; the container ended with 0."
    look events "$log" init.start db.created migrate.applied migrate.applied migrate.applied \
        app.start signal.forward app.exit db.close init.exit
    look data "$work/volume/app.db" "$record" "$whole_schema"
}

# container_clean_up: no container, no image and no engine of the demo's is left.
container_clean_up() {
    if [ -n "$container" ]; then
        ask_docker rm -f -v "$container" >/dev/null 2>&1 || :
    fi
    if [ -n "$image" ]; then
        ask_docker rmi -f "$image:app" "$image:base" >/dev/null 2>&1 || :
    fi
    if [ -n "$engine" ]; then
        kill -TERM "$engine" 2>/dev/null || :
        wait "$engine" 2>/dev/null || :
        # dockerd leaves the host's network mounted here, and the folder could not be removed.
        umount "$work/engine/exec/netns/default" 2>/dev/null || :
    fi
    image='' container='' engine=''
}
